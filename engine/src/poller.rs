//! Native drivers call back only while somebody polls. A thread does, so that the core can await.

use std::sync::mpsc::{Sender, channel};
use std::thread::{self, JoinHandle};

/// Polls a device until the submissions it is told of are done, in that order: a cycle's callback does not
/// wait for the cycles recorded after it.
pub(crate) struct Poller {
    submissions: Option<Sender<wgpu::SubmissionIndex>>,
    thread: Option<JoinHandle<()>>,
}

impl Poller {
    /// Starts the thread. It ends when the poller is dropped.
    pub(crate) fn new(device: wgpu::Device) -> Poller {
        let (submissions, told) = channel();
        let run = move || {
            while let Ok(index) = told.recv() {
                // A lost device calls back with errors, which is all there is to do about it.
                let _ = device.poll(wgpu::PollType::Wait { submission_index: Some(index), timeout: None });
            }
        };
        let thread = thread::Builder::new().name("orthrus poll".to_string()).spawn(run);
        let thread = thread.inspect_err(|error| tracing::error!(%error, "no thread to poll the GPU with")).ok();
        Poller { submissions: Some(submissions), thread }
    }

    /// A callback is due once `submission` is done.
    pub(crate) fn follow(&self, submission: wgpu::SubmissionIndex) {
        if let Some(submissions) = &self.submissions {
            let _ = submissions.send(submission);
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
