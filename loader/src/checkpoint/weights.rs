//! The weights files of a checkpoint: one, or shards with an index. All tensors that they hold, whatever the model.

use std::collections::HashMap;
use std::ops::Range;

use serde_json::Value;

use crate::checkpoint::header;
use crate::checkpoint::tensor::Stretch;
use crate::error::LoadError;
use crate::files::{FileContents, Folder};
use crate::json::{self, Fields, shown};

const SINGLE: &str = "model.safetensors";
const INDEX: &str = "model.safetensors.index.json";

/// All tensors of a checkpoint's files, each found once and within its file.
pub(crate) struct Weights {
    files: Vec<File>,
    tensors: HashMap<String, Stored>,
    /// The file to name when a tensor is missing: the only weights file, or the index.
    listing: String,
}

struct File {
    path: String,
    contents: FileContents,
}

/// Where a tensor is stored.
pub(crate) struct Stored {
    file: usize,
    pub(crate) dtype: safetensors::Dtype,
    pub(crate) shape: Vec<usize>,
    range: Range<u64>,
}

impl Weights {
    /// Opens the weights: `model.safetensors` if it is there, otherwise the shards of the index (as transformers does).
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

    /// Adds each shard that the index names, in the order in which it names them.
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

    /// Adds the tensors of one file.
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

    /// Checks that every tensor is in the shard that the index says, and that the index lists every tensor.
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

    /// Takes a tensor's entry out of the list. None: no file holds it.
    pub(crate) fn take(&mut self, name: &str) -> Option<Stored> {
        self.tensors.remove(name)
    }

    /// The file that should have listed a tensor that is missing.
    pub(crate) fn listing(&self) -> &str {
        &self.listing
    }

    /// The file that holds a tensor.
    pub(crate) fn path(&self, stored: &Stored) -> &str {
        &self.files[stored.file].path
    }

    /// A tensor's bytes: as many as its shape and dtype need.
    pub(crate) fn stretch(&self, stored: &Stored) -> Stretch<'_> {
        let File { path, contents } = &self.files[stored.file];
        Stretch { path, contents, range: stored.range.clone() }
    }
}

/// The index: for each tensor the shard that holds it, in the order written.
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

/// Whether a name stays in its directory on every system: no separators, drives, or dots only.
fn is_plain_name(name: &str) -> bool {
    !matches!(name, "" | "." | "..") && !name.contains(['/', '\\', ':', '\0'])
}
