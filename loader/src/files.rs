//! The files of a checkpoint: on disk, in memory, or behind a reader.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;
#[cfg(not(target_arch = "wasm32"))]
use std::path::{Path, PathBuf};

use crate::error::LoadError;

/// Bytes of the longest text file that is read. The largest known tokenizers have a tenth of it.
const TEXT_LIMIT: u64 = 512 << 20;

/// `Send + Sync` on targets with threads, and nothing elsewhere.
#[cfg(not(target_arch = "wasm32"))]
pub trait MaybeSendSync: Send + Sync {}
#[cfg(not(target_arch = "wasm32"))]
impl<T: Send + Sync> MaybeSendSync for T {}

/// `Send + Sync` on targets with threads, and nothing elsewhere.
#[cfg(target_arch = "wasm32")]
pub trait MaybeSendSync {}
#[cfg(target_arch = "wasm32")]
impl<T> MaybeSendSync for T {}

/// A file that the checkpoint reads in pieces, on demand.
///
/// Use it in a browser, which cannot map files, for weights that are larger than memory.
pub trait ReadAt: MaybeSendSync {
    /// Number of bytes of the file. It must not change.
    fn size(&self) -> u64;

    /// Fills `out` with the bytes from `offset` on.
    ///
    /// The bytes are within the file, and usually many kilobytes.
    ///
    /// # Errors
    /// The file could not be read. The checkpoint's error adds the file's name.
    fn read_at(&self, offset: u64, out: &mut [u8]) -> std::io::Result<()>;
}

/// The contents of a file: in memory, mapped, or behind a [`ReadAt`].
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

    /// The bytes of a range of the file. Errors name the file as `file`.
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

    /// Fills `out` with the bytes of the file from `offset` on.
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

/// A checkpoint's directory, on disk or given by name and contents.
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
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn on_disk(dir: &Path) -> Result<Folder, LoadError> {
        let label = dir.display().to_string();
        match std::fs::metadata(dir) {
            Ok(meta) if meta.is_dir() => Ok(Folder { label, files: Files::Disk(dir.to_path_buf()) }),
            Ok(_) => Err(LoadError::NotADirectory { path: label, found: "a file".into() }),
            Err(error) => Err(LoadError::NotADirectory { path: label, found: format!("nothing ({error})") }),
        }
    }

    /// A directory made of the given files. Messages call it `label`.
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

    /// The directory's name in messages.
    pub(crate) fn label(&self) -> &str {
        &self.label
    }

    /// A file's name in messages.
    pub(crate) fn path(&self, name: &str) -> String {
        match &self.files {
            #[cfg(not(target_arch = "wasm32"))]
            Files::Disk(dir) => dir.join(name).display().to_string(),
            Files::Given(_) => format!("{}/{name}", self.label),
        }
    }

    /// A whole text file. `None`: there is no such file.
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

    /// A weights file, mapped from disk or moved out of the given files. `None`: there is no such file.
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
        // The file may grow while it is read, so that the limit applies again.
        let read = file.take(TEXT_LIMIT + 1).read_to_end(&mut bytes);
        read.map_err(|source| LoadError::Io { file: self.path(name), source })?;
        if bytes.len() as u64 > TEXT_LIMIT { Err(too_large(bytes.len() as u64)) } else { Ok(Some(bytes)) }
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn map(&self, name: &str) -> Result<Option<FileContents>, LoadError> {
        let Some((file, size)) = self.open(name)? else { return Ok(None) };
        if size == 0 {
            // Operating systems refuse to map an empty file.
            return Ok(Some(FileContents::from(Vec::new())));
        }
        // SAFETY: the map is read-only, and lives no longer than the `Mmap` that owns it. No program can rule out that
        // another one truncates or rewrites the file meanwhile. `Checkpoint::open` documents that this must not
        // happen, as every program that maps safetensors files has to.
        let map = unsafe { memmap2::Mmap::map(&file) };
        match map {
            Ok(map) => Ok(Some(FileContents(Place::Mapped(map)))),
            Err(source) => Err(LoadError::Io { file: self.path(name), source }),
        }
    }

    /// Opens a regular file. Returns its size in bytes, too.
    #[cfg(not(target_arch = "wasm32"))]
    fn open(&self, name: &str) -> Result<Option<(std::fs::File, u64)>, LoadError> {
        let Files::Disk(dir) = &self.files else { return Ok(None) };
        let io = |source| LoadError::Io { file: self.path(name), source };
        // The type is checked before opening, because opening a named pipe would wait for its writer.
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

/// The whole of a given text file.
fn whole<'a>(file: &str, contents: &'a FileContents) -> Result<Cow<'a, [u8]>, LoadError> {
    let found = contents.size();
    if found > TEXT_LIMIT {
        return Err(LoadError::FileTooLarge { file: file.to_owned(), limit: TEXT_LIMIT, found });
    }
    contents.bytes(file, 0..found)
}
