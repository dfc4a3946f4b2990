//! Where a checkpoint's files come from: a directory on disk, or whoever has them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;
#[cfg(not(target_arch = "wasm32"))]
use std::path::{Path, PathBuf};

use crate::error::LoadError;

/// The most that is read of a text file (configuration, tokenizer, index, template), in bytes. The largest known
/// tokenizers are a tenth of this.
const TEXT_LIMIT: u64 = 512 << 20;

/// `Send` and `Sync`, where there are threads.
#[cfg(not(target_arch = "wasm32"))]
pub trait Shared: Send + Sync {}
#[cfg(not(target_arch = "wasm32"))]
impl<T: Send + Sync> Shared for T {}

/// `Send` and `Sync`, where there are threads: here there are none.
#[cfg(target_arch = "wasm32")]
pub trait Shared {}
#[cfg(target_arch = "wasm32")]
impl<T> Shared for T {}

/// A file that is read in pieces, when they are needed: for checkpoints larger than memory, where files cannot be
/// mapped.
pub trait ReadAt: Shared {
    /// The file's size in bytes, always the same.
    fn size(&self) -> u64;

    /// Fills `out` with the bytes from `offset` on, all of which are within the file. Called with many kilobytes at a
    /// time.
    ///
    /// # Errors
    /// The file could not be read; a checkpoint reports it with the file's name.
    fn read_at(&self, offset: u64, out: &mut [u8]) -> std::io::Result<()>;
}

/// The contents of a file: in memory, mapped into it, or read when they are needed.
pub struct FileContents(Place);

enum Place {
    Memory(Cow<'static, [u8]>),
    #[cfg(not(target_arch = "wasm32"))]
    Mapped(memmap2::Mmap),
    Reader(Box<dyn ReadAt>),
}

impl From<Cow<'static, [u8]>> for FileContents {
    fn from(bytes: Cow<'static, [u8]>) -> FileContents {
        FileContents(Place::Memory(bytes))
    }
}

impl From<Vec<u8>> for FileContents {
    fn from(bytes: Vec<u8>) -> FileContents {
        FileContents(Place::Memory(Cow::Owned(bytes)))
    }
}

impl From<Box<dyn ReadAt>> for FileContents {
    fn from(reader: Box<dyn ReadAt>) -> FileContents {
        FileContents(Place::Reader(reader))
    }
}

impl std::fmt::Debug for FileContents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FileContents({} bytes)", self.size())
    }
}

impl FileContents {
    pub(crate) fn size(&self) -> u64 {
        match &self.0 {
            Place::Memory(bytes) => bytes.len() as u64,
            #[cfg(not(target_arch = "wasm32"))]
            Place::Mapped(map) => map.len() as u64,
            Place::Reader(reader) => reader.size(),
        }
    }

    /// The bytes of a range within the file, which errors name as `file`.
    pub(crate) fn bytes(&self, file: &str, range: Range<u64>) -> Result<Cow<'_, [u8]>, LoadError> {
        let (start, end) = (range.start as usize, range.end as usize);
        match &self.0 {
            Place::Memory(bytes) => Ok(Cow::Borrowed(&bytes[start..end])),
            #[cfg(not(target_arch = "wasm32"))]
            Place::Mapped(map) => Ok(Cow::Borrowed(&map[start..end])),
            Place::Reader(_) => {
                let mut bytes = vec![0; (range.end - range.start) as usize];
                self.read(file, range.start, &mut bytes)?;
                Ok(Cow::Owned(bytes))
            }
        }
    }

    /// Fills `out` with the bytes from `offset` on, which are within the file.
    pub(crate) fn read(&self, file: &str, offset: u64, out: &mut [u8]) -> Result<(), LoadError> {
        match &self.0 {
            Place::Reader(reader) => {
                reader.read_at(offset, out).map_err(|source| LoadError::Io { file: file.to_owned(), source })
            }
            _ => {
                out.copy_from_slice(&self.bytes(file, offset..offset + out.len() as u64)?);
                Ok(())
            }
        }
    }
}

/// The files of one checkpoint.
pub(crate) struct Folder {
    label: String,
    files: Files,
}

enum Files {
    #[cfg(not(target_arch = "wasm32"))]
    Disk(PathBuf),
    Given(BTreeMap<String, FileContents>),
}

impl Folder {
    /// A directory on disk.
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn on_disk(dir: &Path) -> Result<Folder, LoadError> {
        let label = dir.display().to_string();
        match std::fs::metadata(dir) {
            Ok(meta) if meta.is_dir() => Ok(Folder { label, files: Files::Disk(dir.to_path_buf()) }),
            Ok(_) => Err(LoadError::NotADirectory { path: label, found: "a file".into() }),
            Err(error) => Err(LoadError::NotADirectory { path: label, found: format!("nothing ({error})") }),
        }
    }

    /// Files that are given. `label` takes the directory's place in messages.
    pub(crate) fn given(
        label: &str,
        files: impl Iterator<Item = (String, FileContents)>,
    ) -> Result<Folder, LoadError> {
        let mut map = BTreeMap::new();
        for (name, contents) in files {
            if map.contains_key(&name) {
                return Err(LoadError::DuplicateFile { file: format!("{label}/{name}") });
            }
            map.insert(name, contents);
        }
        Ok(Folder { label: label.to_owned(), files: Files::Given(map) })
    }

    /// The directory, as messages name it.
    pub(crate) fn label(&self) -> &str {
        &self.label
    }

    /// A file of the directory, as messages name it.
    pub(crate) fn path(&self, name: &str) -> String {
        match &self.files {
            #[cfg(not(target_arch = "wasm32"))]
            Files::Disk(dir) => dir.join(name).display().to_string(),
            Files::Given(_) => format!("{}/{name}", self.label),
        }
    }

    /// A text file, whole. None: there is no such file.
    pub(crate) fn text(&self, name: &str) -> Result<Option<Cow<'_, [u8]>>, LoadError> {
        match &self.files {
            #[cfg(not(target_arch = "wasm32"))]
            Files::Disk(_) => Ok(self.read(name)?.map(Cow::Owned)),
            Files::Given(files) => match files.get(name) {
                Some(contents) => whole(&self.path(name), contents).map(Some),
                None => Ok(None),
            },
        }
    }

    /// A weights file: mapped from disk, or moved out of those given. None: there is no such file.
    pub(crate) fn take_weights(&mut self, name: &str) -> Result<Option<FileContents>, LoadError> {
        match &mut self.files {
            #[cfg(not(target_arch = "wasm32"))]
            Files::Disk(_) => self.map(name),
            Files::Given(files) => Ok(files.remove(name)),
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
    fn map(&self, name: &str) -> Result<Option<FileContents>, LoadError> {
        let Some((file, size)) = self.open(name)? else { return Ok(None) };
        if size == 0 {
            // Systems refuse to map nothing.
            return Ok(Some(FileContents::from(Vec::new())));
        }
        // SAFETY: the map is read-only and private to this process, and lives no longer than the `Mmap` that owns it.
        // What no program can rule out is another one truncating or rewriting the file meanwhile; that this must not
        // happen is the documented condition of `Checkpoint::open`, as of every reader of safetensors by map.
        let map = unsafe { memmap2::Mmap::map(&file) };
        match map {
            Ok(map) => Ok(Some(FileContents(Place::Mapped(map)))),
            Err(source) => Err(LoadError::Io { file: self.path(name), source }),
        }
    }

    /// Opens a regular file and gives its size in bytes.
    #[cfg(not(target_arch = "wasm32"))]
    fn open(&self, name: &str) -> Result<Option<(std::fs::File, u64)>, LoadError> {
        let Files::Disk(dir) = &self.files else { return Ok(None) };
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

/// A text file that was given, whole.
fn whole<'a>(file: &str, contents: &'a FileContents) -> Result<Cow<'a, [u8]>, LoadError> {
    let found = contents.size();
    if found > TEXT_LIMIT {
        return Err(LoadError::FileTooLarge { file: file.to_owned(), limit: TEXT_LIMIT, found });
    }
    contents.bytes(file, 0..found)
}
