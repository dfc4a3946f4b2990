//! A thread that polls the device. Native drivers run callbacks only while some thread polls.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SendError, Sender, channel};
use std::thread::{self, JoinHandle};

/// Called if the callbacks of a submission will never come.
type Abandon = Box<dyn FnOnce() + Send>;

/// Polls a device until each submission is done, in the order of submission. So a cycle's callback does not wait
/// for the cycles submitted after it.
pub(crate) struct Poller {
    submissions: Option<Sender<(wgpu::SubmissionIndex, Abandon)>>,
    thread: Option<JoinHandle<()>>,
}

impl Poller {
    /// Starts the thread. It ends when the poller is dropped.
    pub(crate) fn new(device: wgpu::Device) -> std::io::Result<Poller> {
        let (submissions, told) = channel::<(wgpu::SubmissionIndex, Abandon)>();
        let wait = move |index| {
            device.poll(wgpu::PollType::Wait { submission_index: Some(index), timeout: None }).is_ok()
        };
        let run = move || poll_all(&told, wait);
        let thread = thread::Builder::new().name("orthrus poll".to_string()).spawn(run)?;
        Ok(Poller { submissions: Some(submissions), thread: Some(thread) })
    }

    /// Polls until `submission` is done, so that its callbacks run. Calls `abandon` if they will never come.
    pub(crate) fn follow(&self, submission: wgpu::SubmissionIndex, abandon: Abandon) {
        if let Some(submissions) = &self.submissions {
            // A failed send means that the thread has ended, which it does only with the poller.
            if let Err(SendError((_, abandon))) = submissions.send((submission, abandon)) {
                abandon();
            }
        }
    }
}

/// Waits for each submission in turn. `wait` returns whether the submission was done.
fn poll_all<Index>(told: &Receiver<(Index, Abandon)>, wait: impl Fn(Index) -> bool) {
    while let Ok((index, abandon)) = told.recv() {
        // A lost device never runs callbacks, and wgpu panics if it notices the loss while it polls.
        if !catch_unwind(AssertUnwindSafe(|| wait(index))).unwrap_or(false) {
            abandon();
        }
    }
}

impl Drop for Poller {
    /// Joins the thread, which holds the device. Drivers crash if a program exits while one of its threads still
    /// closes a device.
    fn drop(&mut self) {
        drop(self.submissions.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::{Abandon, poll_all};

    #[test]
    fn who_waits_for_a_lost_device_is_told() {
        let (submissions, told) = channel::<(u32, Abandon)>();
        let (abandoned, numbers) = channel();
        for index in 0..5 {
            let abandoned = abandoned.clone();
            submissions
                .send((index, Box::new(move || abandoned.send(index).unwrap_or_default())))
                .unwrap_or_default();
        }
        drop((submissions, abandoned));
        poll_all(&told, |index| match index {
            1 => panic!("the device is lost"),
            index => index < 3,
        });
        assert_eq!(numbers.iter().collect::<Vec<_>>(), [1, 3, 4]);
    }
}
