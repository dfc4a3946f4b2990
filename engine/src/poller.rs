//! Native drivers call back only while somebody polls. A thread does, so that the core can await.

use std::sync::mpsc::{Sender, channel};
use std::thread::{self, JoinHandle};

/// What to do if a submission's callbacks will never come.
type Abandon = Box<dyn FnOnce() + Send>;

/// Polls a device until the submissions it is told of are done, in that order: a cycle's callback does not
/// wait for the cycles recorded after it.
pub(crate) struct Poller {
    submissions: Option<Sender<(wgpu::SubmissionIndex, Abandon)>>,
    thread: Option<JoinHandle<()>>,
}

impl Poller {
    /// Starts the thread. It ends when the poller is dropped.
    pub(crate) fn new(device: wgpu::Device) -> std::io::Result<Poller> {
        let (submissions, told) = channel::<(wgpu::SubmissionIndex, Abandon)>();
        let run = move || {
            while let Ok((index, abandon)) = told.recv() {
                let polled =
                    device.poll(wgpu::PollType::Wait { submission_index: Some(index), timeout: None });
                if polled.is_err() {
                    // A lost device does not call back.
                    abandon();
                }
            }
        };
        let thread = thread::Builder::new().name("orthrus poll".to_string()).spawn(run)?;
        Ok(Poller { submissions: Some(submissions), thread: Some(thread) })
    }

    /// Callbacks are due once `submission` is done. If they will never come, `abandon` is called.
    pub(crate) fn follow(&self, submission: wgpu::SubmissionIndex, abandon: Abandon) {
        if let Some(submissions) = &self.submissions {
            // The thread ends only with the poller. Otherwise the message, and what waits for it, is dropped.
            let _ = submissions.send((submission, abandon));
        }
    }
}

impl Drop for Poller {
    /// Waits for the thread, and with it for its hold on the device: drivers crash where a program exits while
    /// one of its threads still closes a device.
    fn drop(&mut self) {
        drop(self.submissions.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
