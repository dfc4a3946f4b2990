//! Loading a checkpoint in the browser, and its tokenizer and chat template.

use std::ops::ControlFlow;

use js_sys::{Array, Function};
use orthrus::loader::{
    ChatRequest, ChatTemplate, Checkpoint, CheckpointViews, GenerationConfig, Message, Tokenizer,
};
use orthrus::sizes::{SessionSizes, weight_bytes};
use orthrus::{Progress, WeightFormat};
use serde::Serialize;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;

use crate::engine::Engine;
use crate::error::{self, Kind, js_error};
use crate::files::{self, Files};
use crate::lane::Lane;
use crate::object::object;

/// A checkpoint's weights on the GPU, with its tokenizer and chat template.
#[wasm_bindgen]
pub struct Model {
    name: String,
    model: orthrus::Model,
    generation: GenerationConfig,
    tokenizer: Option<Tokenizer>,
    template: Option<ChatTemplate>,
}

/// What [`Model::describe`] returns.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Description<'a> {
    name: &'a str,
    dual: bool,
    dtype: &'static str,
    layers: usize,
    block_size: usize,
    /// Positions that the model was made for.
    max_context: usize,
    /// Positions of the longest lane that fits the adapter's limits.
    longest_context: usize,
    weight_bytes: f64,
    has_tokenizer: bool,
}

#[wasm_bindgen]
impl Model {
    /// Loads a checkpoint from `files`, `[[name, Uint8Array or Blob], …]`. Blobs are read range by range while the
    /// weights go to the GPU, which only a worker can do.
    ///
    /// Calls `progress(done, total)` as weights reach the GPU. Loading stops when `progress` returns false.
    #[wasm_bindgen(js_name = fromFiles)]
    pub async fn from_files(
        engine: &Engine,
        name: String,
        files: Array,
        dtype: String,
        progress: Function,
    ) -> Result<Model, JsValue> {
        let format = start_compiling(engine, &dtype)?;
        load(engine, name, files::from_page(&files)?, format, progress).await
    }

    /// Downloads the checkpoint in the folder `url` and loads it.
    ///
    /// Calls `downloaded(bytes, total)` during the download, then `progress` as [`Model::from_files`] does. Either stops
    /// the work by returning false.
    #[wasm_bindgen(js_name = fromUrl)]
    pub async fn from_url(
        engine: &Engine,
        name: String,
        url: String,
        dtype: String,
        downloaded: Function,
        progress: Function,
    ) -> Result<Model, JsValue> {
        let format = start_compiling(engine, &dtype)?;
        let files = files::download_checkpoint(&url, &downloaded).await?;
        load(engine, name, files, format, progress).await
    }

    /// The model: `{name, dual, dtype, layers, blockSize, maxContext, longestContext, weightBytes, hasTokenizer}`. `dual`:
    /// the checkpoint has a diffusion view.
    pub fn describe(&self) -> Result<JsValue, JsValue> {
        let (config, gpu) = (self.model.config(), self.model.gpu());
        let (views, format) = (self.model.views(), self.model.format());
        object(&Description {
            name: &self.name,
            dual: views == CheckpointViews::Dual,
            dtype: format.name(),
            layers: config.num_hidden_layers,
            block_size: config.block_size,
            max_context: config.max_position_embeddings,
            longest_context: SessionSizes::longest_context(
                config,
                views,
                gpu.layouts(format),
                gpu.max_binding(),
            ),
            weight_bytes: weight_bytes(config, views, format) as f64,
            has_tokenizer: self.tokenizer.is_some(),
        })
    }

    /// The ids of a user's message, rendered by the chat template if the checkpoint has one.
    pub fn encode(&self, message: &str) -> Result<Vec<u32>, JsValue> {
        let name = &self.name;
        let Some(tokenizer) = &self.tokenizer else {
            return Err(js_error(
                Kind::Request,
                &format!("{name} has no tokenizer.json, so it takes no text"),
            ));
        };
        let text = match &self.template {
            None => message.to_string(),
            Some(template) => {
                let messages = [Message::user(message)];
                let request = ChatRequest {
                    messages: &messages,
                    tools: None,
                    add_generation_prompt: true,
                    enable_thinking: Some(false),
                };
                template.render(&request).map_err(error::text)?
            }
        };
        tokenizer.encode(&text).map_err(error::text)
    }

    /// A lane for texts of up to `context` tokens, prompt included.
    pub async fn lane(&self, context: usize) -> Result<Lane, JsValue> {
        let session = self.model.session_async(context).await.map_err(error::engine)?;
        Ok(Lane::new(session, self.tokenizer.clone(), self.generation.clone()))
    }
}

/// The weight format named `dtype`. Starts to compile its kernels, which take about as long as a download.
fn start_compiling(engine: &Engine, dtype: &str) -> Result<WeightFormat, JsValue> {
    let format = WeightFormat::ALL.into_iter().find(|format| format.name() == dtype);
    let format =
        format.ok_or_else(|| js_error(Kind::Request, &format!("dtype is f16 or f32, not {dtype}")))?;
    let gpu = engine.gpu.clone();
    // Loading the model meets the same error, and reports it.
    spawn_local(async move { drop(gpu.compile_ahead_async(format).await) });
    Ok(format)
}

async fn load(
    engine: &Engine,
    name: String,
    files: Files,
    format: WeightFormat,
    progress: Function,
) -> Result<Model, JsValue> {
    let checkpoint = Checkpoint::from_files(&name, files).map_err(error::load)?;
    let tokenizer = checkpoint.tokenizer().map_err(error::load)?;
    let template = checkpoint.chat_template().map_err(error::load)?;
    let mut on_progress = |Progress { done, total }| {
        let answer = progress.call2(&JsValue::NULL, &(done as f64).into(), &(total as f64).into());
        if answer.is_ok_and(|answer| answer == JsValue::FALSE) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    let model = orthrus::Model::load_async(&engine.gpu, &checkpoint, format, &mut on_progress);
    let model = model.await.map_err(error::engine)?;
    Ok(Model { name, model, generation: checkpoint.generation().clone(), tokenizer, template })
}
