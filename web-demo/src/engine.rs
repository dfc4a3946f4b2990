//! Opening the browser's GPU.

use orthrus::{Gpu, GpuOptions};
use serde::Serialize;
use wasm_bindgen::prelude::*;

use crate::error;
use crate::object::object;

/// The browser's GPU.
#[wasm_bindgen]
pub struct Engine {
    pub(crate) gpu: Gpu,
}

/// What [`Engine::adapter`] returns.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Adapter<'a> {
    name: &'a str,
    software: bool,
    tier: &'static str,
    /// Bytes of the largest buffer that a kernel can bind.
    max_binding: f64,
    max_buffer: f64,
    workgroup_memory: u32,
}

#[wasm_bindgen]
impl Engine {
    /// Opens the GPU. `name` is used where wgpu has no name for it: the browser tells JavaScript more than wgpu.
    pub async fn open(name: Option<String>) -> Result<Engine, JsValue> {
        let options = GpuOptions { unnamed: name, ..GpuOptions::default() };
        let gpu = Gpu::open_async(&options).await.map_err(error::engine)?;
        Ok(Engine { gpu })
    }

    /// The adapter in use: `{name, software, tier, maxBinding, maxBuffer, workgroupMemory}`, sizes in bytes.
    pub fn adapter(&self) -> Result<JsValue, JsValue> {
        let adapter = self.gpu.adapter();
        object(&Adapter {
            name: &adapter.name,
            software: adapter.is_software(),
            tier: self.gpu.tier().name(),
            max_binding: self.gpu.max_binding() as f64,
            max_buffer: adapter.max_buffer as f64,
            workgroup_memory: adapter.workgroup_memory,
        })
    }

    /// Throws if the GPU has failed or was lost since it was opened.
    pub fn check(&self) -> Result<(), JsValue> {
        self.gpu.check().map_err(error::engine)
    }
}
