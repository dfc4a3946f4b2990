//! Reading back finished cycles while later ones run: a ring of small buffers, mapped in turn.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use orthrus_shaders::Record;

use crate::Result;
use crate::buffer::Buffer;
use crate::gpu::Gpu;
use crate::readback::Mapping;

/// Cycles that may be under way: one that the GPU works on, and one that waits for it.
pub(crate) const DEPTH: usize = 2;

/// Records of cycles that are under way, oldest first.
pub(crate) struct Ring {
    gpu: Gpu,
    free: Vec<Buffer>,
    under_way: VecDeque<(Buffer, Mapping)>,
}

impl Ring {
    pub(crate) fn new(gpu: &Gpu) -> Ring {
        let slot = || gpu.readback("record of a cycle", size_of::<Record>() as u64);
        Ring { gpu: gpu.clone(), free: (0..DEPTH).map(|_| slot()).collect(), under_way: VecDeque::new() }
    }

    /// Cycles under way.
    pub(crate) fn len(&self) -> usize {
        self.under_way.len()
    }

    /// Submits the commands that `record` records, and a copy of the cycle's record. Does nothing if the ring
    /// is full.
    pub(crate) fn submit(&mut self, source: &Buffer, record: impl FnOnce(&mut wgpu::CommandEncoder)) {
        let Some(slot) = self.free.pop() else { return };
        let submission = self.gpu.submit(|encoder| {
            record(encoder);
            encoder.copy_buffer_to_buffer(source, 0, &slot, 0, size_of::<Record>() as u64);
        });
        let mapping = self.gpu.map(&slot, submission);
        self.under_way.push_back((slot, mapping));
    }

    /// The record of the oldest cycle under way, or `None` if there is none, or it found the text at its end.
    pub(crate) fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Record>>> {
        let Some((_, mapping)) = self.under_way.front_mut() else { return Poll::Ready(None) };
        let outcome = ready!(Pin::new(mapping).poll(context));
        let Some((slot, _)) = self.under_way.pop_front() else { return Poll::Ready(None) };
        let record = self.gpu.mapped(outcome).and_then(|()| self.gpu.read_mapped::<Record>(&slot));
        self.free.push(slot);
        Poll::Ready(record.map(|records| Some(records[0]).filter(|record| record.ran == 1)).transpose())
    }

    /// Waits for the cycles that an abandoned generation left under way.
    pub(crate) async fn drain(&mut self) -> Result<()> {
        while self.len() > 0 {
            std::future::poll_fn(|context| self.poll_next(context)).await.transpose()?;
        }
        Ok(())
    }
}
