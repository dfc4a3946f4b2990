//! Native drivers call back only while somebody polls. A thread does, so that the core can await.

use std::sync::mpsc::{Sender, channel};
use std::thread;

/// Polls a device until the submissions it is told of are done, in that order: a cycle's callback does not
/// wait for the cycles recorded after it.
pub(crate) struct Poller {
    submissions: Sender<wgpu::SubmissionIndex>,
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
        if let Err(error) = thread::Builder::new().name("orthrus poll".to_string()).spawn(run) {
            tracing::error!(%error, "no thread to poll the GPU with");
        }
        Poller { submissions }
    }

    /// A callback is due once `submission` is done.
    pub(crate) fn follow(&self, submission: wgpu::SubmissionIndex) {
        let _ = self.submissions.send(submission);
    }
}
