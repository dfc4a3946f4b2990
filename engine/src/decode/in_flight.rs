//! Cycles in flight: finished ones are read back while later ones run. Their results go to a ring of mapped
//! buffers.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use orthrus_shaders::CycleResult;

use crate::gpu::{Buffer, Gpu, Mapping};
use crate::{Error, Result};

/// Largest number of cycles in flight: one that the GPU runs, and one that waits for it.
pub(crate) const DEPTH: usize = 2;

/// Cycles that were submitted and whose results have not arrived, oldest first.
pub(crate) struct InFlight {
    gpu: Gpu,
    free: Vec<Buffer>,
    submitted: VecDeque<(Buffer, Mapping)>,
}

impl InFlight {
    pub(crate) fn new(gpu: &Gpu) -> InFlight {
        let slot = || gpu.readback("result of a cycle", size_of::<CycleResult>() as u64);
        InFlight { gpu: gpu.clone(), free: (0..DEPTH).map(|_| slot()).collect(), submitted: VecDeque::new() }
    }

    /// Number of cycles in flight.
    pub(crate) fn len(&self) -> usize {
        self.submitted.len()
    }

    /// Submits the commands of a cycle, and a copy of its result from `source`.
    ///
    /// # Errors
    /// [`Error::Bug`]: [`DEPTH`] cycles are in flight already.
    pub(crate) fn submit(
        &mut self,
        source: &Buffer,
        encode: impl FnOnce(&mut wgpu::CommandEncoder),
    ) -> Result<()> {
        let Some(slot) = self.free.pop() else {
            return Err(Error::Bug { reason: format!("more than {DEPTH} cycles were submitted at a time") });
        };
        let submission = self.gpu.submit(|encoder| {
            encode(encoder);
            encoder.copy_buffer_to_buffer(source, 0, &slot, 0, size_of::<CycleResult>() as u64);
        });
        let mapping = self.gpu.map(&slot, submission);
        self.submitted.push_back((slot, mapping));
        Ok(())
    }

    /// The result of the oldest cycle in flight. `None`: no cycle is in flight, or this one began after the text
    /// had ended.
    pub(crate) fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<CycleResult>>> {
        let Some((_, mapping)) = self.submitted.front_mut() else { return Poll::Ready(None) };
        let outcome = ready!(Pin::new(mapping).poll(context));
        let Some((slot, _)) = self.submitted.pop_front() else { return Poll::Ready(None) };
        let result = self.gpu.mapped(outcome).and_then(|()| self.gpu.read_mapped::<CycleResult>(&slot));
        self.free.push(slot);
        Poll::Ready(result.map(|results| Some(results[0]).filter(|result| result.ran == 1)).transpose())
    }

    /// Waits for the cycles that an abandoned generation left in flight.
    pub(crate) async fn drain(&mut self) -> Result<()> {
        while self.len() > 0 {
            std::future::poll_fn(|context| self.poll_next(context)).await.transpose()?;
        }
        Ok(())
    }
}
