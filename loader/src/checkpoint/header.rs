//! Reads and checks the header of a safetensors file: the name, type, shape and place of each tensor.
//!
//! The `safetensors` crate validates headers too. Its errors do not say which tensor is wrong, or what was expected.
//! It also accepts misaligned tensors and repeated names. A test checks that it accepts every header that passes here.

use std::collections::HashSet;
use std::fmt;
use std::ops::Range;

use safetensors::Dtype;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use crate::error::LoadError;
use crate::files::FileContents;
use crate::json::shown;

/// Bytes of the number that gives the header's length.
const LENGTH: usize = 8;
/// Bytes of the longest header that the format allows.
const LONGEST: u64 = 100_000_000;

/// A tensor in a file. Its range has exactly the bytes that shape and dtype need.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) dtype: Dtype,
    pub(crate) shape: Vec<usize>,
    /// Bytes of the file, within its size.
    pub(crate) range: Range<u64>,
}

/// A tensor's entry in the header.
///
/// The type in `safetensors` has `usize` offsets, which end at 4 GiB in a browser.
#[derive(serde::Deserialize)]
struct TensorInfo {
    dtype: Dtype,
    shape: Vec<usize>,
    data_offsets: (u64, u64),
}

/// Reads and checks the header of the file called `file`.
///
/// Allocates in proportion to the header's bytes in the file, not to sizes that it claims.
pub(crate) fn read(file: &str, contents: &FileContents) -> Result<Vec<Entry>, LoadError> {
    let data = data(file, contents)?;
    let header = contents.bytes(file, LENGTH as u64..data.start)?;
    let json: Entries = serde_json::from_slice(&header)
        .map_err(|source| LoadError::HeaderJson { file: file.into(), source })?;
    let mut entries = entries(file, json)?;
    entries.sort_by_key(|entry| (entry.range.start, entry.range.end));
    check_ranges(file, &entries, data.end - data.start)?;
    for entry in &mut entries {
        entry.range = entry.range.start + data.start..entry.range.end + data.start;
    }
    Ok(entries)
}

/// The range of the tensor data, which follows the header.
fn data(file: &str, contents: &FileContents) -> Result<Range<u64>, LoadError> {
    let size = contents.size();
    let Some(rest) = size.checked_sub(LENGTH as u64) else {
        return Err(LoadError::NoHeader { file: file.into(), found: size });
    };
    let mut length = [0; LENGTH];
    contents.read(file, 0, &mut length)?;
    let found = u64::from_le_bytes(length);
    let limit = rest.min(LONGEST);
    if found > limit {
        return Err(LoadError::HeaderTooLong { file: file.into(), limit, found });
    }
    Ok(LENGTH as u64 + found..size)
}

/// The header's JSON object as a list, in which repeated names stay.
struct Entries(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EntriesVisitor;
        impl<'de> Visitor<'de> for EntriesVisitor {
            type Value = Entries;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of tensors")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(EntriesVisitor)
    }
}

/// The tensors of the header. Their ranges are not checked yet, and count from the end of the header.
fn entries(file: &str, json: Entries) -> Result<Vec<Entry>, LoadError> {
    let mut names = HashSet::new();
    let mut entries = Vec::new();
    for (name, value) in json.0 {
        let wrong = |source| LoadError::HeaderEntry { file: file.into(), tensor: shown(&name), source };
        if !names.insert(name.clone()) {
            let tensor = shown(&name);
            return Err(LoadError::DuplicateTensor {
                file: file.into(),
                tensor,
                other: "the same header".into(),
            });
        }
        if name == "__metadata__" {
            serde_json::from_value::<Option<std::collections::HashMap<String, String>>>(value)
                .map_err(wrong)?;
            continue;
        }
        let TensorInfo { dtype, shape, data_offsets } = serde_json::from_value(value).map_err(wrong)?;
        if data_offsets.1 < data_offsets.0 {
            let (begin, end) = data_offsets;
            return Err(LoadError::RangeReversed { file: file.into(), tensor: shown(&name), begin, end });
        }
        entries.push(Entry { name, dtype, shape, range: data_offsets.0..data_offsets.1 });
    }
    Ok(entries)
}

/// Checks that the sorted ranges fill the data exactly, and that each has the length of its shape and dtype.
fn check_ranges(file: &str, entries: &[Entry], available: u64) -> Result<(), LoadError> {
    let mut end = 0;
    let mut before = "";
    for entry in entries {
        let (file, tensor) = (file.to_owned(), || shown(&entry.name));
        let (dtype, shape, range) = (entry.dtype, &entry.shape, &entry.range);
        let Some(expected) = byte_size(dtype, shape) else {
            let (shape, dtype) = (shape.clone(), dtype.to_string());
            return Err(LoadError::ShapeOverflow { file, tensor: tensor(), shape, dtype });
        };
        let found = range.end - range.start;
        if found != expected {
            let (shape, dtype) = (shape.clone(), dtype.to_string());
            return Err(LoadError::RangeLength { file, tensor: tensor(), shape, dtype, expected, found });
        }
        if range.end > available {
            return Err(LoadError::RangeOutsideFile { file, tensor: tensor(), end: range.end, available });
        }
        let align = (dtype.bitsize() as u64 / 8).max(1);
        if !range.start.is_multiple_of(align) {
            return Err(LoadError::RangeMisaligned { file, tensor: tensor(), begin: range.start, align });
        }
        if range.start < end {
            let (other, begin) = (shown(before), range.start);
            return Err(LoadError::RangesOverlap { file, tensor: tensor(), other, expected: end, begin });
        }
        if range.start > end {
            return Err(LoadError::RangeGap { file, tensor: tensor(), expected: end, begin: range.start });
        }
        end = range.end;
        before = &entry.name;
    }
    if end == available {
        Ok(())
    } else {
        Err(LoadError::TrailingData { file: file.into(), expected: end, found: available })
    }
}

/// Bytes of a tensor. `None`: the number overflows or is not whole.
fn byte_size(dtype: Dtype, shape: &[usize]) -> Option<u64> {
    let elements = shape.iter().try_fold(1_u64, |product, n| product.checked_mul(*n as u64))?;
    let bits = elements.checked_mul(dtype.bitsize() as u64)?;
    bits.is_multiple_of(8).then_some(bits / 8)
}
