//! The weights files of a checkpoint: a single file, or shards with an index.
//!
//! This file knows every tensor that the files hold, and nothing of the model's structure.

use std::collections::HashMap;
use std::ops::Range;

use serde_json::Value;

use crate::checkpoint::header;
use crate::checkpoint::tensor::FileRange;
use crate::error::LoadError;
use crate::files::{FileContents, Folder};
use crate::json::{self, Fields, shown};

const SINGLE: &str = "model.safetensors";
const INDEX: &str = "model.safetensors.index.json";

/// All tensors of the weights files. Each occurs once, and its bytes are within its file.
pub(crate) struct Weights {
    files: Vec<File>,
    tensors: HashMap<String, Stored>,
    /// The file that errors name for a missing tensor: the single weights file, or the index.
    listing: String,
}

struct File {
    path: String,
    contents: FileContents,
}

/// A tensor's place in the weights files.
pub(crate) struct Stored {
    file: usize,
    pub(crate) dtype: safetensors::Dtype,
    pub(crate) shape: Vec<usize>,
    range: Range<u64>,
}

impl Weights {
    /// Opens the weights. `model.safetensors` precedes the shards of an index, as in transformers.
    pub(crate) fn open(folder: &mut Folder) -> Result<Weights, LoadError> {
        let index = folder.path(INDEX);
        if let Some(contents) = folder.take_weights(SINGLE)? {
            if folder.text(INDEX)?.is_some() {
                tracing::warn!("{index}: ignored, because {SINGLE} is there too");
            }
            let path = folder.path(SINGLE);
            let mut weights = Weights { files: Vec::new(), tensors: HashMap::new(), listing: path.clone() };
            weights.add(path, contents)?;
            return Ok(weights);
        }
        let Some(bytes) = folder.text(INDEX)? else {
            let purpose = "the weights; or shards of them with model.safetensors.index.json";
            return Err(LoadError::MissingFile { dir: folder.label().into(), file: SINGLE.into(), purpose });
        };
        let map = weight_map(&index, &bytes)?;
        drop(bytes);
        let mut weights = Weights { files: Vec::new(), tensors: HashMap::new(), listing: index };
        weights.add_shards(folder, &map)?;
        weights.check_index(folder, &map)?;
        Ok(weights)
    }

    /// Adds each shard of the index, in the order of its first mention.
    fn add_shards(&mut self, folder: &mut Folder, map: &[(String, String)]) -> Result<(), LoadError> {
        let mut opened = std::collections::HashSet::new();
        for (tensor, shard) in map {
            if !opened.insert(shard) {
                continue;
            }
            let Some(contents) = folder.take_weights(shard)? else {
                let (file, tensor, shard) = (self.listing.clone(), shown(tensor), shown(shard));
                return Err(LoadError::MissingShard { file, tensor, shard });
            };
            self.add(folder.path(shard), contents)?;
        }
        Ok(())
    }

    fn add(&mut self, path: String, contents: FileContents) -> Result<(), LoadError> {
        let file = self.files.len();
        for header::Entry { name, dtype, shape, range } in header::read(&path, &contents)? {
            if let Some(first) = self.tensors.get(&name) {
                let (file, tensor) = (self.files[first.file].path.clone(), shown(name));
                return Err(LoadError::DuplicateTensor { file, tensor, other: path });
            }
            self.tensors.insert(name, Stored { file, dtype, shape, range });
        }
        self.files.push(File { path, contents });
        Ok(())
    }

    /// Checks that every tensor is in its shard according to the index, and that the index lists every tensor.
    fn check_index(&self, folder: &Folder, map: &[(String, String)]) -> Result<(), LoadError> {
        for (name, shard) in map {
            let found = match self.tensors.get(name) {
                None => "it in no shard".to_owned(),
                Some(stored) if self.path(stored) == folder.path(shard) => continue,
                Some(stored) => format!("it in {}", self.path(stored)),
            };
            let (file, tensor, shard) = (self.listing.clone(), shown(name), shown(shard));
            return Err(LoadError::NotInShard { file, tensor, shard, found });
        }
        let listed: std::collections::HashSet<&str> = map.iter().map(|(name, _)| name.as_str()).collect();
        let mut unlisted: Vec<_> =
            self.tensors.iter().filter(|(name, _)| !listed.contains(name.as_str())).collect();
        unlisted.sort_by_key(|(name, _)| *name);
        match unlisted.first() {
            None => Ok(()),
            Some((name, stored)) => {
                let (tensor, shard) = (shown(name), self.path(stored).to_owned());
                Err(LoadError::NotInIndex { file: self.listing.clone(), tensor, shard })
            }
        }
    }

    /// The names of all tensors, in no particular order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// Removes a tensor from the list. `None`: no file holds it.
    pub(crate) fn take(&mut self, name: &str) -> Option<Stored> {
        self.tensors.remove(name)
    }

    /// The file that errors name for a missing tensor.
    pub(crate) fn listing(&self) -> &str {
        &self.listing
    }

    /// The path of the file that holds a tensor.
    pub(crate) fn path(&self, stored: &Stored) -> &str {
        &self.files[stored.file].path
    }

    /// The bytes of a tensor.
    pub(crate) fn bytes(&self, stored: &Stored) -> FileRange<'_> {
        let File { path, contents } = &self.files[stored.file];
        FileRange { path, contents, range: stored.range.clone() }
    }
}

/// Reads the index: pairs of a tensor and its shard, in the order of the file.
fn weight_map(file: &str, bytes: &[u8]) -> Result<Vec<(String, String)>, LoadError> {
    let json = json::object(file, bytes)?;
    let fields = Fields::new(file, &json);
    let map = match fields.get("weight_map") {
        None => return Err(fields.missing("weight_map", "an object that names the shard of each tensor")),
        Some(Value::Object(map)) => map,
        Some(other) => return Err(fields.wrong_type("weight_map", "an object", other)),
    };
    let mut shards = Vec::new();
    for (tensor, shard) in map {
        let Some(shard) = shard.as_str() else {
            let field = format!("weight_map.{}", shown(tensor));
            return Err(fields.wrong_type(&field, "the name of a shard", shard));
        };
        if !is_plain_name(shard) {
            let (tensor, found) = (shown(tensor), shown(Value::from(shard)));
            return Err(LoadError::ShardPath { file: file.into(), tensor, found });
        }
        shards.push((tensor.clone(), shard.to_owned()));
    }
    Ok(shards)
}

/// Whether a file of this name lies in the checkpoint's own directory, on every operating system.
fn is_plain_name(name: &str) -> bool {
    !matches!(name, "" | "." | "..") && !name.contains(['/', '\\', ':', '\0'])
}
