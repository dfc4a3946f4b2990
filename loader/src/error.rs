//! What can be wrong with a checkpoint: one variant for each way.

/// Why a checkpoint was refused.
///
/// Every message names the file, the tensor or field where there is one, what was expected and what was found. The
/// variants' fields mean the same everywhere:
///
/// * `file`: a path as the user gave it: the directory (or the name given to
///   [`Checkpoint::from_files`](crate::Checkpoint::from_files)) joined with the file's name; `dir`, `path`: without that;
/// * `field`: the name of a JSON field; `tensor`, `token`: as the file writes it, cut where it is very long;
/// * `expected` and `found`: values, sizes in bytes, or what there is in their place;
/// * `begin`, `end`, `available`: bytes counted from the end of a safetensors header;
/// * `shape`, `dtype`: as in a safetensors header; `source`, `problem`: what the library underneath said.
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
    /// The directory lacks a file that a checkpoint must have.
    #[error(
        "{dir}: expected the file {file} ({purpose}), found no such file; is this a checkpoint directory?"
    )]
    MissingFile { dir: String, file: String, purpose: &'static str },
    /// The operating system could not read a file.
    #[error("{file}: cannot be read: {source}")]
    Io { file: String, source: std::io::Error },
    /// Something that should be a file is a directory or a device.
    #[error("{file}: expected a regular file, found {found}")]
    NotAFile { file: String, found: &'static str },
    /// A text file is so large that it cannot be what its name says.
    #[error("{file}: expected at most {limit} bytes, found {found}")]
    FileTooLarge { file: String, limit: u64, found: u64 },
    /// Two files of the same name were given.
    #[error("{file}: expected each file once, found it given twice")]
    DuplicateFile { file: String },
    /// A file is not JSON at all.
    #[error("{file}: expected JSON, found a syntax error: {source}")]
    Json { file: String, source: serde_json::Error },

    // ---- fields of JSON files ------------------------------------------------------------------------------------
    /// A field that must be there is not.
    #[error("{file}: field `{field}`: expected {expected}, found no such field")]
    MissingField { file: String, field: String, expected: String },
    /// A field holds a value of the wrong type.
    #[error("{file}: field `{field}`: expected {expected}, found {found}")]
    WrongType { file: String, field: String, expected: String, found: String },
    /// A field holds a value of the right type that makes no sense.
    #[error("{file}: field `{field}`: expected {expected}, found {found}")]
    OutOfRange { file: String, field: String, expected: String, found: String },
    /// A field asks for something that is not implemented, so results would be wrong.
    #[error("{file}: field `{field}`: expected {expected} (nothing else is supported), found {found}")]
    Unsupported { file: String, field: String, expected: String, found: String },
    /// Queries cannot be grouped evenly over the key/value heads.
    #[error(
        "{file}: fields `num_attention_heads` and `num_key_value_heads`: expected the first to be a multiple of the \
         second, found {heads} and {kv_heads}"
    )]
    HeadsNotDivisible { file: String, heads: usize, kv_heads: usize },
    /// A token id is not in the vocabulary.
    #[error(
        "{file}: field `{field}`: expected a token id below the vocabulary size {vocab_size}, found {found}"
    )]
    TokenId { file: String, field: String, vocab_size: usize, found: u64 },
    /// The sizes in the configuration multiply to more than this machine can address.
    #[error(
        "{file}: tensor {tensor}: expected a size that this machine can address, found the shape {shape:?}"
    )]
    ConfigTooLarge { file: String, tensor: String, shape: Vec<usize> },

    // ---- safetensors headers ---------------------------------------------------------------------------------------
    /// The file ends before its header's length is complete.
    #[error("{file}: expected at least the 8 bytes that give the header's length, found {found} bytes")]
    NoHeader { file: String, found: u64 },
    /// The header is said to be longer than the file (or than any header may be).
    #[error(
        "{file}: expected a header of at most {limit} bytes, found the length {found} in its first 8 bytes; the file is \
         truncated or is no safetensors file"
    )]
    HeaderTooLong { file: String, limit: u64, found: u64 },
    /// The header is not a JSON object.
    #[error("{file}: header: expected a JSON object of tensors, found a syntax error: {source}")]
    HeaderJson { file: String, source: serde_json::Error },
    /// The header's entry for a tensor is not `{dtype, shape, data_offsets}`.
    #[error(
        "{file}: tensor {tensor}: expected an entry with dtype, shape and data_offsets, found an error: {source}"
    )]
    HeaderEntry { file: String, tensor: String, source: serde_json::Error },
    /// The number of bytes of a tensor does not fit an integer.
    #[error(
        "{file}: tensor {tensor}: expected a size that fits an address, found the shape {shape:?} of {dtype}"
    )]
    ShapeOverflow { file: String, tensor: String, shape: Vec<usize>, dtype: String },
    /// A range ends before it begins.
    #[error("{file}: tensor {tensor}: expected a range that ends after it begins, found {begin}..{end}")]
    RangeReversed { file: String, tensor: String, begin: u64, end: u64 },
    /// A range reaches beyond the end of the file: usually the file was cut off.
    #[error(
        "{file}: tensor {tensor}: expected its data up to byte {end}, found that the file's data ends at byte \
         {available}; the file is truncated or its header is wrong"
    )]
    RangeOutsideFile { file: String, tensor: String, end: u64, available: u64 },
    /// The range's length is not what shape and dtype need.
    #[error(
        "{file}: tensor {tensor}: expected {expected} bytes for shape {shape:?} of {dtype}, found a range of {found}"
    )]
    RangeLength { file: String, tensor: String, shape: Vec<usize>, dtype: String, expected: u64, found: u64 },
    /// A range does not begin at a multiple of the element size.
    #[error(
        "{file}: tensor {tensor}: expected its data at a multiple of {align} bytes, found it at byte {begin}"
    )]
    RangeMisaligned { file: String, tensor: String, begin: u64, align: u64 },
    /// Two tensors claim the same bytes.
    #[error(
        "{file}: tensor {tensor}: expected its data at byte {expected}, found it at {begin}, inside tensor {other}"
    )]
    RangesOverlap { file: String, tensor: String, other: String, expected: u64, begin: u64 },
    /// There are bytes between two tensors that belong to neither.
    #[error("{file}: tensor {tensor}: expected its data at byte {expected}, found it at {begin}: a gap")]
    RangeGap { file: String, tensor: String, expected: u64, begin: u64 },
    /// There are bytes after the last tensor.
    #[error("{file}: expected {expected} bytes of tensor data, found {found}")]
    TrailingData { file: String, expected: u64, found: u64 },

    // ---- the index of a sharded checkpoint -----------------------------------------------------------------------
    /// The index names a shard by something other than a plain file name.
    #[error(
        "{file}: tensor {tensor}: expected the plain name of a file in the same directory, found {found}"
    )]
    ShardPath { file: String, tensor: String, found: String },
    /// The index names a shard that is not there.
    #[error("{file}: tensor {tensor}: expected the shard {shard} beside the index, found no such file")]
    MissingShard { file: String, tensor: String, shard: String },
    /// A tensor is not in the shard that the index says.
    #[error("{file}: tensor {tensor}: expected it in {shard}, found {found}")]
    NotInShard { file: String, tensor: String, shard: String, found: String },
    /// A shard holds a tensor that the index does not list.
    #[error("{file}: tensor {tensor}: expected an entry for it, because {shard} holds it; found none")]
    NotInIndex { file: String, tensor: String, shard: String },
    /// A tensor is there twice.
    #[error("{file}: tensor {tensor}: expected it once, found it again in {other}")]
    DuplicateTensor { file: String, tensor: String, other: String },

    // ---- tensors against the configuration -------------------------------------------------------------------------
    /// A tensor of the model is missing.
    #[error("{file}: tensor {tensor}: expected it with shape {shape:?}, found no such tensor")]
    MissingTensor { file: String, tensor: String, shape: Vec<usize> },
    /// Some tensors of the diffusion view are there and this one is not.
    #[error(
        "{file}: tensor {tensor}: expected it with shape {shape:?}, because other tensors of the diffusion view \
         (`*_diff`) are there; found no such tensor"
    )]
    MissingDiffusionTensor { file: String, tensor: String, shape: Vec<usize> },
    /// A tensor's elements are of a type that is not supported.
    #[error("{file}: tensor {tensor}: expected dtype F32, F16 or BF16, found {found}")]
    WrongDtype { file: String, tensor: String, found: String },
    /// A tensor's shape does not fit the configuration.
    #[error("{file}: tensor {tensor}: expected shape {expected:?} (from config.json), found {found:?}")]
    WrongShape { file: String, tensor: String, expected: Vec<usize>, found: Vec<usize> },
    /// A tensor was asked for that this checkpoint does not have.
    #[error("{dir}: tensor {tensor}: expected a tensor of this model, found no such name")]
    NoSuchTensor { dir: String, tensor: String },

    // ---- text --------------------------------------------------------------------------------------------------------
    /// `tokenizer.json` is not a tokenizer.
    #[error("{file}: expected a tokenizer of the `tokenizers` library, found an error: {problem}")]
    Tokenizer { file: String, problem: String },
    /// The tokenizer has a token that the model has not.
    #[error("{file}: token {token}: expected an id below the vocabulary size {vocab_size}, found {found}")]
    TokenizerId { file: String, token: String, vocab_size: usize, found: u32 },
    /// An added token's id is not the one that the tokenizer library gives it, which is the next after the others.
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

/// Why text could not be turned into ids, ids into text, or messages into a prompt.
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
    /// The chat template failed on these messages.
    #[error("{file}: the chat template failed: {problem}")]
    Render {
        /// The file that holds the template.
        file: String,
        /// What it said.
        problem: String,
    },
}
