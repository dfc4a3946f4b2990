//! A checkpoint's files: bytes, blobs that are read range by range, or downloads.

use js_sys::{Array, ArrayBuffer, Function, Promise, Reflect, Uint8Array};
use orthrus::loader::{FileContents, ReadAt};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, FileReaderSync, ReadableStreamDefaultReader, Response};

use crate::error::{Kind, js_error};

/// The files of a checkpoint, each with its name.
pub(crate) type Files = Vec<(String, FileContents)>;

#[wasm_bindgen]
extern "C" {
    /// The global `fetch`, which pages and workers both have.
    #[wasm_bindgen(js_name = fetch)]
    fn fetch(url: &str) -> Promise;
}

/// The files that a page passed as `[[name, Uint8Array or Blob], …]`.
pub(crate) fn from_page(files: &Array) -> Result<Files, JsValue> {
    files
        .iter()
        .map(|entry| {
            let [name, contents] = [0, 1].map(|at| Reflect::get_u32(&entry, at).unwrap_or_default());
            let usage = || js_error(Kind::Request, "files are [[name, Uint8Array or Blob], …]");
            let name = name.as_string().ok_or_else(usage)?;
            match contents.dyn_into::<Blob>() {
                Ok(blob) => Ok((name, open_blob(blob)?)),
                Err(other) => {
                    let bytes = other.dyn_into::<Uint8Array>().map_err(|_| usage())?;
                    Ok((name, bytes.to_vec().into()))
                }
            }
        })
        .collect()
}

/// A blob that is read range by range, because a checkpoint can be larger than WebAssembly's memory.
struct BlobFile {
    blob: Blob,
    reader: FileReaderSync,
}

fn open_blob(blob: Blob) -> Result<FileContents, JsValue> {
    let reader: Box<dyn ReadAt> = Box::new(BlobFile { blob, reader: FileReaderSync::new()? });
    Ok(reader.into())
}

impl ReadAt for BlobFile {
    fn size(&self) -> u64 {
        self.blob.size() as u64
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> std::io::Result<()> {
        let failed = |error: JsValue| std::io::Error::other(message(&error));
        let (start, end) = (offset as f64, (offset + out.len() as u64) as f64);
        let range = self.blob.slice_with_f64_and_f64(start, end).map_err(failed)?;
        let bytes: ArrayBuffer = self.reader.read_as_array_buffer(&range).map_err(failed)?;
        if bytes.byte_length() as usize != out.len() {
            return Err(std::io::Error::other("the file has become shorter"));
        }
        Uint8Array::new(&bytes).copy_to(out);
        Ok(())
    }
}

/// Downloads the checkpoint in the folder `url` into WebAssembly's memory.
///
/// Calls `progress(bytes, total)` for the weights. `total` is 0 if the server gives no length. The download stops when
/// `progress` returns false.
pub(crate) async fn download_checkpoint(url: &str, progress: &Function) -> Result<Files, JsValue> {
    const WEIGHTS: &str = "model.safetensors";
    const REQUIRED: [&str; 2] = ["config.json", WEIGHTS];
    const OPTIONAL: [&str; 4] =
        ["generation_config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja"];
    let mut files = Files::new();
    for name in REQUIRED.into_iter().chain(OPTIONAL) {
        let progress = (name == WEIGHTS).then_some(progress);
        match download(&format!("{}/{name}", url.trim_end_matches('/')), progress).await? {
            Some(bytes) => files.push((name.to_string(), bytes.into())),
            None if REQUIRED.contains(&name) => {
                return Err(js_error(Kind::Download, &format!("{url} has no {name}")));
            }
            None => {}
        }
    }
    Ok(files)
}

/// Downloads one file. `None`: the server answered 404.
async fn download(url: &str, progress: Option<&Function>) -> Result<Option<Vec<u8>>, JsValue> {
    let failed = |error: JsValue| {
        js_error(Kind::Download, &format!("{url} could not be downloaded: {}", message(&error)))
    };
    let response: Response = JsFuture::from(fetch(url)).await.map_err(failed)?.dyn_into()?;
    if response.status() == 404 {
        return Ok(None);
    }
    if !response.ok() {
        let status = format!("{} {}", response.status(), response.status_text());
        return Err(failed(status.trim().into()));
    }
    // `content-length` counts the bytes sent, which is less than the file's size if the server compresses.
    let encoded = response.headers().has("content-encoding")?;
    let length = response.headers().get("content-length")?.filter(|_| !encoded);
    let total: f64 = length.and_then(|length| length.parse().ok()).unwrap_or(0.0);
    let mut bytes = Vec::with_capacity(total as usize);
    let Some(body) = response.body() else { return Ok(Some(bytes)) };
    let reader: ReadableStreamDefaultReader = body.get_reader().dyn_into()?;
    loop {
        let chunk = JsFuture::from(reader.read()).await.map_err(failed)?;
        if Reflect::get(&chunk, &"done".into())?.is_truthy() {
            return Ok(Some(bytes));
        }
        let value: Uint8Array = Reflect::get(&chunk, &"value".into())?.dyn_into()?;
        let from = bytes.len();
        bytes.resize(from + value.length() as usize, 0);
        value.copy_to(&mut bytes[from..]);
        if let Some(progress) = progress {
            let answer = progress.call2(&JsValue::NULL, &(bytes.len() as f64).into(), &total.into())?;
            if answer == JsValue::FALSE {
                return Err(js_error(Kind::Cancelled, "the download was stopped"));
            }
        }
    }
}

/// The message of a thrown value.
fn message(error: &JsValue) -> String {
    let said = Reflect::get(error, &"message".into()).ok().and_then(|message| message.as_string());
    said.or_else(|| error.as_string()).unwrap_or_else(|| format!("{error:?}"))
}
