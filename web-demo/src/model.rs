//! A checkpoint's weights on the browser's GPU, and its text side.

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

/// A model, ready to decode.
#[wasm_bindgen]
pub struct Model {
    name: String,
    model: orthrus::Model,
    generation: GenerationConfig,
    tokenizer: Option<Tokenizer>,
    template: Option<ChatTemplate>,
}

/// A model as pages see it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Description<'a> {
    name: &'a str,
    dual: bool,
    dtype: &'static str,
    layers: usize,
    block_size: usize,
    /// Positions: of the model, and of its longest session within the adapter's limits.
    max_context: usize,
    longest_context: usize,
    weight_bytes: f64,
    has_tokenizer: bool,
}

#[wasm_bindgen]
impl Model {
    /// Loads a checkpoint whose files are `[[name, Uint8Array or Blob], …]`. Blobs, such as the files of a folder that
    /// the user chose, are read in pieces while they go to the GPU; that needs a worker.
    ///
    /// `progress(done, total)` hears of the weights on the GPU, and stops the loading by returning false.
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

    /// Downloads the checkpoint in the folder `url`, of which `downloaded(bytes, total)` hears, and loads it. Both callbacks
    /// stop it by returning false.
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

    /// `{name, dual, dtype, layers, blockSize, maxContext, longestContext, weightBytes, hasTokenizer}`.
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

    /// The ids of a message to the model, through its chat template where it has one.
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

    /// A lane for texts of up to `context` tokens, prompt and answer together.
    pub async fn lane(&self, context: usize) -> Result<Lane, JsValue> {
        let session = self.model.session_async(context).await.map_err(error::engine)?;
        Ok(Lane::new(session, self.tokenizer.clone(), self.generation.clone()))
    }
}

/// The format called so, whose kernels begin to compile: they take as long as a download.
fn start_compiling(engine: &Engine, dtype: &str) -> Result<WeightFormat, JsValue> {
    let format = WeightFormat::ALL.into_iter().find(|format| format.name() == dtype);
    let format =
        format.ok_or_else(|| js_error(Kind::Request, &format!("dtype is f16 or f32, not {dtype}")))?;
    let gpu = engine.gpu.clone();
    // What fails here will fail for the model too, which says so.
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
