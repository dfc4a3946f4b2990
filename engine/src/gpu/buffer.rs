//! A buffer that gives its memory back when the last who needs it is gone, in a browser too.

use std::ops::Deref;
use std::sync::Arc;

/// A buffer. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Buffer(Arc<Owned>);

#[derive(Debug)]
struct Owned(wgpu::Buffer);

/// A bind group, and what it binds.
pub(crate) struct Bound {
    group: wgpu::BindGroup,
    /// Alive as long as the group can be used.
    _buffers: Vec<Buffer>,
}

impl Buffer {
    pub(crate) fn new(buffer: wgpu::Buffer) -> Buffer {
        Buffer(Arc::new(Owned(buffer)))
    }
}

impl Deref for Buffer {
    type Target = wgpu::Buffer;

    fn deref(&self) -> &wgpu::Buffer {
        &self.0.0
    }
}

/// In a browser, wgpu leaves a dropped buffer to the garbage collector, which knows nothing of the GPU's memory: a model
/// would stay until long after its successor needs the room. Work that was submitted is still done.
#[cfg(target_arch = "wasm32")]
impl Drop for Owned {
    fn drop(&mut self) {
        self.0.destroy();
    }
}

impl Bound {
    pub(crate) fn new(group: wgpu::BindGroup, buffers: &[&Buffer]) -> Bound {
        Bound { group, _buffers: buffers.iter().copied().cloned().collect() }
    }
}

impl Deref for Bound {
    type Target = wgpu::BindGroup;

    fn deref(&self) -> &wgpu::BindGroup {
        &self.group
    }
}
