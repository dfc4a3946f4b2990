//! Where a checkpoint's files come from: a directory on disk, or memory.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Deref;
#[cfg(not(target_arch = "wasm32"))]
use std::path::{Path, PathBuf};

use crate::error::LoadError;

/// The most that is read of a text file (configuration, tokenizer, index, template), in bytes. The largest known
/// tokenizers are a tenth of this.
#[cfg(not(target_arch = "wasm32"))]
const TEXT_LIMIT: u64 = 512 << 20;

/// The files of one checkpoint.
pub(crate) struct Folder {
    label: String,
    place: Place,
}

enum Place {
    #[cfg(not(target_arch = "wasm32"))]
    Disk(PathBuf),
    Memory(BTreeMap<String, Cow<'static, [u8]>>),
}

/// The contents of a weights file, in memory or mapped into it.
pub(crate) enum Contents {
    Memory(Cow<'static, [u8]>),
    #[cfg(not(target_arch = "wasm32"))]
    Mapped(memmap2::Mmap),
}

impl Deref for Contents {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Contents::Memory(bytes) => bytes,
            #[cfg(not(target_arch = "wasm32"))]
            Contents::Mapped(map) => map,
        }
    }
}

impl Folder {
    /// A directory on disk.
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn on_disk(dir: &Path) -> Result<Folder, LoadError> {
        let label = dir.display().to_string();
        match std::fs::metadata(dir) {
            Ok(meta) if meta.is_dir() => Ok(Folder { label, place: Place::Disk(dir.to_path_buf()) }),
            Ok(_) => Err(LoadError::NotADirectory { path: label, found: "a file".into() }),
            Err(error) => Err(LoadError::NotADirectory { path: label, found: format!("nothing ({error})") }),
        }
    }

    /// Files that are in memory already. `label` takes the directory's place in messages.
    pub(crate) fn in_memory(
        label: &str,
        files: Vec<(String, Cow<'static, [u8]>)>,
    ) -> Result<Folder, LoadError> {
        let mut folder = Folder { label: label.to_owned(), place: Place::Memory(BTreeMap::new()) };
        let mut map = BTreeMap::new();
        for (name, bytes) in files {
            if map.contains_key(&name) {
                return Err(LoadError::DuplicateFile { file: folder.path(&name) });
            }
            map.insert(name, bytes);
        }
        folder.place = Place::Memory(map);
        Ok(folder)
    }

    /// The directory, as messages name it.
    pub(crate) fn label(&self) -> &str {
        &self.label
    }

    /// A file of the directory, as messages name it.
    pub(crate) fn path(&self, name: &str) -> String {
        match &self.place {
            #[cfg(not(target_arch = "wasm32"))]
            Place::Disk(dir) => dir.join(name).display().to_string(),
            Place::Memory(_) => format!("{}/{name}", self.label),
        }
    }

    /// A text file, whole. None: there is no such file.
    pub(crate) fn text(&self, name: &str) -> Result<Option<Cow<'_, [u8]>>, LoadError> {
        match &self.place {
            #[cfg(not(target_arch = "wasm32"))]
            Place::Disk(_) => Ok(self.read(name)?.map(Cow::Owned)),
            Place::Memory(files) => Ok(files.get(name).map(|bytes| Cow::Borrowed(&**bytes))),
        }
    }

    /// A weights file: mapped from disk, or moved out of the files in memory. None: there is no such file.
    pub(crate) fn take_weights(&mut self, name: &str) -> Result<Option<Contents>, LoadError> {
        match &mut self.place {
            #[cfg(not(target_arch = "wasm32"))]
            Place::Disk(_) => self.map(name),
            Place::Memory(files) => Ok(files.remove(name).map(Contents::Memory)),
        }
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, LoadError> {
        use std::io::Read;
        let Some((file, size)) = self.open(name)? else { return Ok(None) };
        let too_large = |found| LoadError::FileTooLarge { file: self.path(name), limit: TEXT_LIMIT, found };
        if size > TEXT_LIMIT {
            return Err(too_large(size));
        }
        let mut bytes = Vec::new();
        // A file that grows while it is read is not read beyond the limit either.
        let read = file.take(TEXT_LIMIT + 1).read_to_end(&mut bytes);
        read.map_err(|source| LoadError::Io { file: self.path(name), source })?;
        if bytes.len() as u64 > TEXT_LIMIT { Err(too_large(bytes.len() as u64)) } else { Ok(Some(bytes)) }
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn map(&self, name: &str) -> Result<Option<Contents>, LoadError> {
        let Some((file, size)) = self.open(name)? else { return Ok(None) };
        if size == 0 {
            // Systems refuse to map nothing.
            return Ok(Some(Contents::Memory(Cow::Borrowed(&[]))));
        }
        // SAFETY: the map is read-only and private to this process, and lives no longer than the `Mmap` that owns it.
        // What no program can rule out is another one truncating or rewriting the file meanwhile; that this must not
        // happen is the documented condition of `Checkpoint::open`, as of every reader of safetensors by map.
        let map = unsafe { memmap2::Mmap::map(&file) };
        match map {
            Ok(map) => Ok(Some(Contents::Mapped(map))),
            Err(source) => Err(LoadError::Io { file: self.path(name), source }),
        }
    }

    /// Opens a regular file and gives its size in bytes.
    #[cfg(not(target_arch = "wasm32"))]
    fn open(&self, name: &str) -> Result<Option<(std::fs::File, u64)>, LoadError> {
        let Place::Disk(dir) = &self.place else { return Ok(None) };
        let io = |source| LoadError::Io { file: self.path(name), source };
        // Looked at before it is opened: opening a named pipe would wait for its writer.
        let meta = match std::fs::metadata(dir.join(name)) {
            Ok(meta) => meta,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io(error)),
        };
        if !meta.is_file() {
            let found = if meta.is_dir() { "a directory" } else { "a special file" };
            return Err(LoadError::NotAFile { file: self.path(name), found });
        }
        let file = std::fs::File::open(dir.join(name)).map_err(io)?;
        let size = file.metadata().map_err(io)?.len();
        Ok(Some((file, size)))
    }
}
