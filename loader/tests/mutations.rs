//! Thousands of damaged checkpoints either open with every byte of every tensor, or give an error that names a file.
//!
//! None panics, takes long, or allocates a size that a header merely claims. A failure prints the seed of its case.
//! `Case::new` makes the case again from the seed.
#![allow(clippy::unwrap_used, reason = "a test")]

mod common;
mod damage;

use std::alloc::{GlobalAlloc, Layout, System};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use common::{MODEL, SHARDS};
use damage::{BASES, Case, MUTATIONS, tensor_data};
use orthrus_loader::{Checkpoint, LoadError};

/// Bytes of the largest allowed allocation. All files of a case together have a fiftieth of it.
const LARGEST_ALLOCATION: usize = 4 << 20;

/// The system's allocator, which remembers the largest request.
struct Watched;

static LARGEST: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes unchanged to `System`, which gives the guarantees of the trait.
unsafe impl GlobalAlloc for Watched {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LARGEST.fetch_max(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller promises about `layout` what `System` requires.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the pointer came from `System` with this layout, as the caller promises.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        LARGEST.fetch_max(size, Ordering::Relaxed);
        // SAFETY: the pointer came from `System` with this layout, as the caller promises.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Watched = Watched;

/// Opens a case and reads everything. Returns whether it opened.
fn check(
    case: &Case,
    open: impl FnOnce() -> Result<Checkpoint, LoadError>,
    read: impl FnOnce(&Checkpoint),
) -> bool {
    let describe = || format!("seed {} ({})", case.seed, case.done.join("; "));
    LARGEST.store(0, Ordering::Relaxed);
    let start = Instant::now();
    let result = catch_unwind(AssertUnwindSafe(|| open().inspect(|checkpoint| read(checkpoint))));
    let Ok(result) = result else { panic!("{} panicked, see above", describe()) };
    assert!(start.elapsed() < Duration::from_secs(10), "{}: took {:?}", describe(), start.elapsed());
    let largest = LARGEST.load(Ordering::Relaxed);
    assert!(largest < LARGEST_ALLOCATION, "{}: allocated {largest} bytes at once", describe());
    if let Err(error) = &result {
        assert_names_a_file(&error.to_string(), &describe());
    }
    result.is_ok()
}

fn assert_names_a_file(message: &str, what: &str) {
    let named = [".json", ".safetensors", ".jinja"].iter().any(|end| message.contains(end));
    assert!(named && message.len() < 4000, "{what}: {message}");
}

/// Reads every byte of every tensor, and checks the configuration.
fn read_tensors(checkpoint: &Checkpoint) {
    let mut values = Vec::new();
    for (name, tensor) in checkpoint.tensors() {
        assert_eq!(tensor.len(), tensor.shape.iter().product::<usize>(), "{name}");
        values.resize(tensor.len(), f32::NAN);
        tensor.read_f32(0, &mut values).unwrap();
        std::hint::black_box(&values);
    }
    let config = checkpoint.config();
    assert!(checkpoint.eos_token_ids().iter().all(|id| (*id as usize) < config.vocab_size));
    assert!(
        (1..=64).contains(&config.block_size)
            && config.num_attention_heads.is_multiple_of(config.num_key_value_heads)
    );
}

/// Checks that the `safetensors` crate accepts the files too.
fn read_with_the_official_crate(case: &Case) {
    let files: Vec<&str> = if case.files.contains_key(MODEL) { vec![MODEL] } else { SHARDS.to_vec() };
    for name in files {
        if let Err(error) = safetensors::SafeTensors::deserialize(&case.files[name]) {
            panic!("seed {} ({}): opened, but {name}: {error}", case.seed, case.done.join("; "));
        }
    }
}

/// One test runs all parts in turn, because they share the watched allocator.
#[test]
fn mutations() {
    from_memory();
    from_disk();
    data_alone_always_opens();
    #[cfg(feature = "text")]
    text_files();
}

fn from_memory() {
    let mut opened = 0;
    const CASES: u64 = 12_000;
    for seed in 0..CASES {
        let case = Case::new(seed, &BASES, &MUTATIONS);
        if check(&case, || common::open(case.files.clone()), read_tensors) {
            read_with_the_official_crate(&case);
            opened += 1;
        }
    }
    // The test must see both outcomes: a few mutations are harmless, most are not.
    assert!((CASES / 50..CASES / 2).contains(&opened), "{opened} of {CASES} opened");
}

fn from_disk() {
    for seed in 1_000_000..1_000_600 {
        let case = Case::new(seed, &BASES, &MUTATIONS);
        let dir = common::on_disk(&case.files);
        let from_disk = check(&case, || Checkpoint::open(dir.path()), read_tensors);
        let from_memory = common::open(case.files.clone()).is_ok();
        assert_eq!(from_disk, from_memory, "seed {seed} ({})", case.done.join("; "));
    }
}

fn data_alone_always_opens() {
    for seed in 2_000_000..2_000_500 {
        let case = Case::new(seed, &BASES, &[tensor_data]);
        assert!(check(&case, || common::open(case.files.clone()), read_tensors), "seed {seed}");
    }
}

/// Damages the tokenizer and the template, which are read after the checkpoint has opened.
#[cfg(feature = "text")]
fn text_files() {
    use damage::scramble;
    use orthrus_loader::{ChatRequest, Message};

    fn tokenizer_text(case: &mut Case) {
        case.note("bytes of the tokenizer");
        case.edit("tokenizer.json", |bytes, random| scramble(bytes, usize::MAX, random));
    }
    fn tokenizer_value(case: &mut Case) {
        case.swap_value("tokenizer.json");
    }
    fn template_text(case: &mut Case) {
        let mut template = common::TEMPLATE.as_bytes().to_vec();
        scramble(&mut template, usize::MAX, &mut case.random);
        case.note(format!("template {}", template.escape_ascii()));
        case.files.insert("chat_template.jinja".into(), template);
    }
    fn config_value(case: &mut Case) {
        case.swap_value("tokenizer_config.json");
    }
    let messages = [Message::system("s"), Message::user("hé 👍 <|im_end|>")];
    let mut worked = [0; 2];
    for seed in 3_000_000..3_003_000 {
        let case = Case::new(
            seed,
            &[common::ar_only],
            &[tokenizer_text, tokenizer_value, template_text, config_value],
        );
        let describe = format!("seed {seed} ({})", case.done.join("; "));
        check(
            &case,
            || common::open(case.files.clone()),
            |checkpoint| {
                match checkpoint.tokenizer() {
                    Err(error) => assert_names_a_file(&error.to_string(), &describe),
                    Ok(None) => panic!("the tokenizer was there"),
                    Ok(Some(tokenizer)) => {
                        let ids = tokenizer.encode("hé 👍 <|im_end|>").unwrap_or_default();
                        assert!(
                            ids.iter().all(|id| (*id as usize) < checkpoint.config().vocab_size),
                            "{describe}"
                        );
                        let text = tokenizer.decode(&ids);
                        let mut stream = tokenizer.stream();
                        let streamed = stream.push(&ids).and_then(|start| Ok(start + &stream.finish()?));
                        assert_eq!(streamed.is_ok(), text.is_ok(), "{describe}");
                        worked[0] += 1;
                    }
                }
                match checkpoint.chat_template() {
                    Err(error) => assert_names_a_file(&error.to_string(), &describe),
                    Ok(None) => {}
                    Ok(Some(template)) => {
                        let request = ChatRequest {
                            messages: &messages,
                            add_generation_prompt: true,
                            ..Default::default()
                        };
                        match template.render(&request) {
                            Err(error) => assert_names_a_file(&error.to_string(), &describe),
                            Ok(_) => worked[1] += 1,
                        }
                    }
                }
            },
        );
    }
    assert!(worked.iter().all(|n| (300..2900).contains(n)), "{worked:?}");
}
