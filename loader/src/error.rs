//! The crate's errors: one variant for each malformation of a checkpoint.

/// The reason why a checkpoint was refused.
///
/// Every message names the file, the tensor or field if there is one, what was expected, and what was found. A field
/// of one name means the same in every variant:
///
/// * `dir`, `path`: the directory as the user wrote it, or the name given to
///   [`Checkpoint::from_files`](crate::Checkpoint::from_files)
/// * `file`: the directory joined with the file's name
/// * `field`: the name of a JSON field
/// * `tensor`, `token`: the name in the file, cut if it is very long
/// * `expected`, `found`: values, sizes in bytes, or descriptions
/// * `begin`, `end`, `available`: bytes from the end of a safetensors header
/// * `shape`, `dtype`: the entry of a safetensors header
/// * `source`, `problem`: the error of a library
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the fields are explained above")]
pub enum LoadError {
    // ---- files -------------------------------------------------------------------------------------------------
    /// The path given is not a directory.
    #[error(
        "{path}: expected a checkpoint directory in the Hugging Face layout (config.json, model.safetensors or its \
         shards, tokenizer.json), found {found}"
    )]
    NotADirectory { path: String, found: String },
    /// The directory lacks a required file.
    #[error(
        "{dir}: expected the file {file} ({purpose}), found no such file; is this a checkpoint directory?"
    )]
    MissingFile { dir: String, file: String, purpose: &'static str },
    /// The operating system could not read a file.
    #[error("{file}: cannot be read: {source}")]
    Io { file: String, source: std::io::Error },
    /// A directory or a device has the name of a file.
    #[error("{file}: expected a regular file, found {found}")]
    NotAFile { file: String, found: &'static str },
    /// A text file is larger than any file of its kind.
    #[error("{file}: expected at most {limit} bytes, found {found}")]
    FileTooLarge { file: String, limit: u64, found: u64 },
    /// Two files of the same name were given.
    #[error("{file}: expected each file once, found it given twice")]
    DuplicateFile { file: String },
    /// A file is not JSON.
    #[error("{file}: expected JSON, found a syntax error: {source}")]
    Json { file: String, source: serde_json::Error },

    // ---- fields of JSON files ------------------------------------------------------------------------------------
    /// A required field is missing.
    #[error("{file}: field `{field}`: expected {expected}, found no such field")]
    MissingField { file: String, field: String, expected: String },
    /// A field holds a value of the wrong type.
    #[error("{file}: field `{field}`: expected {expected}, found {found}")]
    WrongType { file: String, field: String, expected: String, found: String },
    /// A field's value has the right type but is outside its range.
    #[error("{file}: field `{field}`: expected {expected}, found {found}")]
    OutOfRange { file: String, field: String, expected: String, found: String },
    /// A field asks for a feature that is not implemented. Results would be wrong.
    #[error("{file}: field `{field}`: expected {expected} (nothing else is supported), found {found}")]
    Unsupported { file: String, field: String, expected: String, found: String },
    /// The number of query heads is not a multiple of the number of key/value heads.
    #[error(
        "{file}: fields `num_attention_heads` and `num_key_value_heads`: expected the first to be a multiple of the \
         second, found {heads} and {kv_heads}"
    )]
    HeadsNotDivisible { file: String, heads: usize, kv_heads: usize },
    /// A token id is outside the vocabulary.
    #[error(
        "{file}: field `{field}`: expected a token id below the vocabulary size {vocab_size}, found {found}"
    )]
    TokenId { file: String, field: String, vocab_size: usize, found: u64 },
    /// The configuration implies a tensor that this machine cannot address.
    #[error(
        "{file}: tensor {tensor}: expected a size that this machine can address, found the shape {shape:?}"
    )]
    ConfigTooLarge { file: String, tensor: String, shape: Vec<usize> },

    // ---- safetensors headers ---------------------------------------------------------------------------------------
    /// The file ends within the eight bytes of its header's length.
    #[error("{file}: expected at least the 8 bytes that give the header's length, found {found} bytes")]
    NoHeader { file: String, found: u64 },
    /// The header claims to be longer than the file or the format allows.
    #[error(
        "{file}: expected a header of at most {limit} bytes, found the length {found} in its first 8 bytes; the file is \
         truncated or is no safetensors file"
    )]
    HeaderTooLong { file: String, limit: u64, found: u64 },
    /// The header is not a JSON object.
    #[error("{file}: header: expected a JSON object of tensors, found a syntax error: {source}")]
    HeaderJson { file: String, source: serde_json::Error },
    /// A tensor's entry in the header is malformed.
    #[error(
        "{file}: tensor {tensor}: expected an entry with dtype, shape and data_offsets, found an error: {source}"
    )]
    HeaderEntry { file: String, tensor: String, source: serde_json::Error },
    /// The number of a tensor's bytes overflows.
    #[error(
        "{file}: tensor {tensor}: expected a size that fits an address, found the shape {shape:?} of {dtype}"
    )]
    ShapeOverflow { file: String, tensor: String, shape: Vec<usize>, dtype: String },
    /// A range ends before it begins.
    #[error("{file}: tensor {tensor}: expected a range that ends after it begins, found {begin}..{end}")]
    RangeReversed { file: String, tensor: String, begin: u64, end: u64 },
    /// A range ends beyond the file. Usually the file was cut off.
    #[error(
        "{file}: tensor {tensor}: expected its data up to byte {end}, found that the file's data ends at byte \
         {available}; the file is truncated or its header is wrong"
    )]
    RangeOutsideFile { file: String, tensor: String, end: u64, available: u64 },
    /// A range does not have the length of its shape and dtype.
    #[error(
        "{file}: tensor {tensor}: expected {expected} bytes for shape {shape:?} of {dtype}, found a range of {found}"
    )]
    RangeLength { file: String, tensor: String, shape: Vec<usize>, dtype: String, expected: u64, found: u64 },
    /// A range does not begin at a multiple of its element size.
    #[error(
        "{file}: tensor {tensor}: expected its data at a multiple of {align} bytes, found it at byte {begin}"
    )]
    RangeMisaligned { file: String, tensor: String, begin: u64, align: u64 },
    /// The ranges of two tensors overlap.
    #[error(
        "{file}: tensor {tensor}: expected its data at byte {expected}, found it at {begin}, inside tensor {other}"
    )]
    RangesOverlap { file: String, tensor: String, other: String, expected: u64, begin: u64 },
    /// There is a gap between the ranges of two tensors.
    #[error("{file}: tensor {tensor}: expected its data at byte {expected}, found it at {begin}: a gap")]
    RangeGap { file: String, tensor: String, expected: u64, begin: u64 },
    /// The file has bytes after the last tensor.
    #[error("{file}: expected {expected} bytes of tensor data, found {found}")]
    TrailingData { file: String, expected: u64, found: u64 },

    // ---- the index of a sharded checkpoint -----------------------------------------------------------------------
    /// The index names a shard by a path, not by a plain file name.
    #[error(
        "{file}: tensor {tensor}: expected the plain name of a file in the same directory, found {found}"
    )]
    ShardPath { file: String, tensor: String, found: String },
    /// The index names a shard that does not exist.
    #[error("{file}: tensor {tensor}: expected the shard {shard} beside the index, found no such file")]
    MissingShard { file: String, tensor: String, shard: String },
    /// A tensor is not in its shard according to the index.
    #[error("{file}: tensor {tensor}: expected it in {shard}, found {found}")]
    NotInShard { file: String, tensor: String, shard: String, found: String },
    /// The index does not list a tensor that a shard holds.
    #[error("{file}: tensor {tensor}: expected an entry for it, because {shard} holds it; found none")]
    NotInIndex { file: String, tensor: String, shard: String },
    /// A tensor occurs twice.
    #[error("{file}: tensor {tensor}: expected it once, found it again in {other}")]
    DuplicateTensor { file: String, tensor: String, other: String },

    // ---- tensors against the configuration -------------------------------------------------------------------------
    /// A tensor of the model is missing.
    #[error("{file}: tensor {tensor}: expected it with shape {shape:?}, found no such tensor")]
    MissingTensor { file: String, tensor: String, shape: Vec<usize> },
    /// A tensor of the diffusion view is missing, and others exist.
    #[error(
        "{file}: tensor {tensor}: expected it with shape {shape:?}, because other tensors of the diffusion view \
         (`*_diff`) are there; found no such tensor"
    )]
    MissingDiffusionTensor { file: String, tensor: String, shape: Vec<usize> },
    /// A tensor's dtype is not supported.
    #[error("{file}: tensor {tensor}: expected dtype F32, F16 or BF16, found {found}")]
    WrongDtype { file: String, tensor: String, found: String },
    /// A tensor's shape is not the one that the configuration implies.
    #[error("{file}: tensor {tensor}: expected shape {expected:?} (from config.json), found {found:?}")]
    WrongShape { file: String, tensor: String, expected: Vec<usize>, found: Vec<usize> },
    /// The caller asked for a tensor that the model does not have.
    #[error("{dir}: tensor {tensor}: expected a tensor of this model, found no such name")]
    NoSuchTensor { dir: String, tensor: String },

    // ---- text --------------------------------------------------------------------------------------------------------
    /// `tokenizer.json` is not a tokenizer.
    #[error("{file}: expected a tokenizer of the `tokenizers` library, found an error: {problem}")]
    Tokenizer { file: String, problem: String },
    /// The tokenizer has a token outside the model's vocabulary.
    #[error("{file}: token {token}: expected an id below the vocabulary size {vocab_size}, found {found}")]
    TokenizerId { file: String, token: String, vocab_size: usize, found: u32 },
    /// An added token's id differs from the next free one, which the `tokenizers` library gives it.
    #[error(
        "{file}: added token {token}: expected the id {expected}, next after the other tokens, found {found}"
    )]
    TokenizerIdMoved { file: String, token: String, found: u32, expected: u32 },
    /// The chat template does not parse.
    #[error("{file}: chat template: expected a Jinja template, found an error: {problem}")]
    Template { file: String, problem: String },
    /// The chat template is not UTF-8 text.
    #[error("{file}: chat template: expected UTF-8 text, found an invalid byte at offset {offset}")]
    NotUtf8 { file: String, offset: usize },
}

/// The reason why text could not become ids, ids text, or messages a prompt.
#[cfg(feature = "text")]
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TextError {
    /// The tokenizer failed on a text.
    #[error("the text cannot be tokenized: {0}")]
    Encode(String),
    /// The tokenizer failed on ids.
    #[error("the ids cannot be turned into text: {0}")]
    Decode(String),
    /// The chat template failed on the messages.
    #[error("{file}: the chat template failed: {problem}")]
    Render {
        /// The file that holds the template.
        file: String,
        /// The error of the template engine.
        problem: String,
    },
}
