//! Waiting for the GPU, and reading buffers back. Nothing here blocks.

use std::sync::{Arc, Mutex};

use bytemuck::Pod;
use futures_channel::oneshot;

use super::buffer::Buffer;
use super::device::{Gpu, lock};
use crate::{Error, Result};

/// A future that resolves when a buffer is mapped, or when the GPU is lost.
pub(crate) type Mapping = oneshot::Receiver<std::result::Result<(), wgpu::BufferAsyncError>>;

/// The sender that a driver's callback uses. The poller can drop it if the callback will never come.
struct Waiter<T>(Arc<Mutex<Option<oneshot::Sender<T>>>>);

impl<T: Send + 'static> Waiter<T> {
    fn new() -> (Waiter<T>, oneshot::Receiver<T>) {
        let (sender, receiver) = oneshot::channel();
        (Waiter(Arc::new(Mutex::new(Some(sender)))), receiver)
    }

    fn call(&self, value: T) {
        if let Some(sender) = lock(&self.0).take() {
            // The receiver is gone if its generation was dropped.
            let _ = sender.send(value);
        }
    }

    /// A closure that drops the sender, which cancels the receiver.
    fn abandon(&self) -> impl FnOnce() + Send + 'static {
        let sender = self.0.clone();
        move || drop(lock(&sender).take())
    }
}

impl<T> Clone for Waiter<T> {
    fn clone(&self) -> Self {
        Waiter(self.0.clone())
    }
}

impl Gpu {
    /// Resolves once everything submitted so far is done.
    pub(crate) async fn idle(&self) -> Result<()> {
        let (waiter, receiver) = Waiter::new();
        let last = self.queue().submit([]);
        let caller = waiter.clone();
        self.queue().on_submitted_work_done(move || caller.call(()));
        self.follow(last, waiter.abandon());
        receiver.await.map_err(|_| self.lost())?;
        self.check()
    }

    /// Maps `buffer` for reading once `submission`, which fills it, is done.
    pub(crate) fn map(&self, buffer: &Buffer, submission: wgpu::SubmissionIndex) -> Mapping {
        let (waiter, receiver) = Waiter::new();
        let caller = waiter.clone();
        buffer.map_async(wgpu::MapMode::Read, .., move |result| caller.call(result));
        self.follow(submission, waiter.abandon());
        receiver
    }

    /// The outcome of a [`Mapping`] as the engine's result.
    pub(crate) fn mapped(
        &self,
        outcome: std::result::Result<std::result::Result<(), wgpu::BufferAsyncError>, oneshot::Canceled>,
    ) -> Result<()> {
        self.check()?;
        match outcome {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(Error::Device(error.to_string())),
            Err(_) => Err(self.lost()),
        }
    }

    /// Copies the contents of a mapped buffer, and unmaps it.
    pub(crate) fn read_mapped<T: Pod>(&self, buffer: &Buffer) -> Result<Vec<T>> {
        let view = buffer.get_mapped_range(..).map_err(|error| Error::Device(error.to_string()))?;
        let contents = bytemuck::pod_collect_to_vec(&view);
        drop(view);
        buffer.unmap();
        Ok(contents)
    }

    /// Reads the first `count` values of a storage buffer. It allocates a buffer, so the decode loop must not call
    /// it.
    pub(crate) async fn read<T: Pod>(&self, buffer: &Buffer, count: usize) -> Result<Vec<T>> {
        let bytes = ((count * size_of::<T>()) as u64).next_multiple_of(4);
        let target = self.allocating(|| Ok(self.readback("read", bytes))).await?;
        let submission = self.submit(|encoder| encoder.copy_buffer_to_buffer(buffer, 0, &target, 0, bytes));
        self.mapped(self.map(&target, submission).await)?;
        let mut contents = self.read_mapped(&target)?;
        contents.truncate(count);
        Ok(contents)
    }

    fn lost(&self) -> Error {
        self.check().err().unwrap_or_else(|| Error::Device("it stopped answering".to_string()))
    }
}
