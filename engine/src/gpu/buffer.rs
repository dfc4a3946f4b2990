//! Buffers and bind groups that free GPU memory when their last owner is gone, in browsers too.

use std::ops::Deref;
use std::sync::Arc;

/// A GPU buffer. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Buffer(Arc<Owned>);

#[derive(Debug)]
struct Owned(wgpu::Buffer);

/// A bind group, and the buffers that it binds.
pub(crate) struct Bound {
    group: wgpu::BindGroup,
    /// Held because dropping a buffer destroys it in browsers, even while the group could still be used.
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

/// Frees the memory at once. wgpu leaves a dropped buffer to the browser's garbage collector, which does not see
/// GPU memory. An old model would stay long after a new one needs the room. Submitted work is still done.
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
