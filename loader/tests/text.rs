//! Text becomes ids, and ids text, at once and in a stream.
#![cfg(feature = "text")]
#![allow(clippy::unwrap_used, reason = "a test")]

mod common;

use orthrus_loader::Tokenizer;
use serde_json::json;

fn tokenizer() -> Tokenizer {
    common::open(common::ar_only()).unwrap().tokenizer().unwrap().unwrap()
}

/// The texts that a stream returns: one for each run of ids, then the rest.
fn streamed(tokenizer: &Tokenizer, runs: &[&[u32]]) -> Vec<String> {
    let mut stream = tokenizer.stream();
    let mut parts: Vec<String> = runs.iter().map(|ids| stream.push(ids).unwrap()).collect();
    parts.push(stream.finish().unwrap());
    parts
}

#[test]
fn text_survives_the_round_trip() {
    let tokenizer = tokenizer();
    for text in ["hello", "", " ", "héllo wörld\n\t", "你好, 世界", "👩‍🚀👍🏽 x", "a\u{0}b\u{7f}", "line\r\nline"]
    {
        let ids = tokenizer.encode(text).unwrap();
        assert_eq!(tokenizer.decode(&ids).unwrap(), text, "{ids:?}");
    }
    // The file's settings for training would cut or pad these texts.
    assert_eq!(tokenizer.encode("hello").unwrap(), [257, 259]);
    assert_eq!(tokenizer.encode("!").unwrap(), [33]);
}

#[test]
fn special_tokens_are_recognised_and_none_added() {
    let tokenizer = tokenizer();
    let text = "<|im_start|>he<think>!<|im_end|>";
    let ids = tokenizer.encode(text).unwrap();
    assert_eq!(ids, [262, 257, 264, 33, 263]);
    // As in Qwen3, `<think>` is an added token but not a special one.
    assert_eq!(tokenizer.decode(&ids).unwrap(), "he<think>!");
    let shown = tokenizer.clone().with_special_tokens_shown(true);
    assert_eq!(shown.decode(&ids).unwrap(), text);
    assert_eq!(streamed(&shown, &[&ids]).concat(), text);
    assert_eq!(streamed(&tokenizer, &[&ids]).concat(), "he<think>!");
    assert_eq!(tokenizer.token_to_id("<|im_end|>"), Some(263));
    assert_eq!(tokenizer.id_to_token(263).as_deref(), Some("<|im_end|>"));
    assert_eq!(tokenizer.token_to_id("<nope>"), None);
}

#[test]
fn a_stream_holds_a_character_back_until_it_is_whole() {
    let tokenizer = tokenizer();
    // 👍 is f0 9f 91 8d. Token 256 is its first half.
    assert_eq!(tokenizer.encode("👍").unwrap(), [256, 0x91, 0x8d]);
    assert_eq!(streamed(&tokenizer, &[&[256], &[0x91], &[0x8d], &[33]]), ["", "", "👍", "!", ""]);
    // é is c3 a9. Token 261 is its second byte and an x.
    assert_eq!(streamed(&tokenizer, &[&[33, 0xc3], &[261, 33]]), ["!", "éx!", ""]);
}

#[test]
fn a_stream_treats_broken_bytes_as_decode_does() {
    let tokenizer = tokenizer();
    // The end of a character is missing: before another one, across a hidden token, at the end of the text.
    assert_eq!(streamed(&tokenizer, &[&[256], &[33]]), ["", "\u{fffd}!", ""]);
    assert_eq!(streamed(&tokenizer, &[&[256], &[263], &[0x91, 0x8d]]), ["", "", "👍", ""]);
    assert_eq!(streamed(&tokenizer, &[&[33], &[256, 0x91]]), ["!", "", "\u{fffd}"]);
    assert_eq!(streamed(&tokenizer, &[&[0xff, 0xff], &[0x80]]), ["\u{fffd}\u{fffd}", "\u{fffd}", ""]);
    // Unknown ids become nothing, in a stream and in `decode`.
    assert_eq!(streamed(&tokenizer, &[&[33, 290, 4_000_000_000, 34]]), ["!\"", ""]);
    assert_eq!(tokenizer.decode(&[33, 290, 4_000_000_000, 34]).unwrap(), "!\"");
}

/// The ids are mostly broken UTF-8, and the runs have random lengths.
#[test]
fn a_stream_equals_decode_on_random_ids() {
    for shown in [false, true] {
        let tokenizer = tokenizer().with_special_tokens_shown(shown);
        for seed in 0..300 {
            let mut random = common::Random(seed);
            let pool: [u32; 12] = [0xf0, 0x9f, 0x91, 0x8d, 0xc3, 0xa9, 0xe4, 0xbd, 0xa0, 256, 262, 65];
            let ids: Vec<u32> = (0..random.below(60))
                .map(|_| if random.below(3) == 0 { random.below(330) as u32 } else { pool[random.below(12)] })
                .collect();
            let mut stream = tokenizer.stream();
            let mut text = String::new();
            let mut rest = &ids[..];
            while !rest.is_empty() {
                let (run, after) = rest.split_at(1 + random.below(rest.len().min(5)));
                text.push_str(&stream.push(run).unwrap());
                rest = after;
            }
            text.push_str(&stream.finish().unwrap());
            assert_eq!(text, tokenizer.decode(&ids).unwrap(), "seed {seed}: {ids:?}");
        }
    }
}

/// Broken bytes are the worst case of a stream that decodes again from the last good character.
#[test]
fn a_stream_takes_linear_time() {
    let tokenizer = tokenizer();
    let mut stream = tokenizer.stream();
    let start = std::time::Instant::now();
    let length: usize = (0..200_000).map(|_| stream.push(&[0x91]).unwrap().len()).sum();
    assert_eq!(length, 600_000);
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}

/// SentencePiece-like tokenizers have decoders that are not byte-level.
#[test]
fn other_decoders_stream_too() {
    let mut json = common::tokenizer();
    json["model"] = json!({"type": "BPE", "byte_fallback": true, "unk_token": "<unk>",
        "vocab": {"<unk>": 0, "▁": 1, "a": 2, "b": 3, "▁a": 4, "<0xC3>": 5, "<0xA9>": 6}, "merges": [["▁", "a"]]});
    json["added_tokens"] = json!([]);
    json["normalizer"] = json!({"type": "Replace", "pattern": {"String": " "}, "content": "▁"});
    json["pre_tokenizer"] = json!(null);
    json["post_processor"] = json!(null);
    json["decoder"] = json!({"type": "Sequence", "decoders": [
        {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"}]});
    let mut files = common::ar_only();
    files.insert("tokenizer.json".into(), json.to_string().into_bytes());
    let tokenizer = common::open(files).unwrap().tokenizer().unwrap().unwrap();
    let ids = tokenizer.encode("b a éb").unwrap();
    assert_eq!(ids, [3, 4, 1, 5, 6, 3]);
    assert_eq!(
        streamed(&tokenizer, &[&[3], &[4], &[1], &[5], &[6], &[3]]),
        ["b", " a", " ", "", "é", "b", ""]
    );
    let broken = [3, 4, 5];
    assert_eq!(streamed(&tokenizer, &[&broken]).concat(), tokenizer.decode(&broken).unwrap());
}

#[test]
fn a_directory_without_a_tokenizer_has_none() {
    let mut files = common::ar_only();
    files.remove("tokenizer.json");
    assert!(common::open(files).unwrap().tokenizer().unwrap().is_none());
}
