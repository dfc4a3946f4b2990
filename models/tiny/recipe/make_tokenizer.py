"""Trains the byte-level BPE on generated text and writes tokenizer.json and tokenizer_config.json beside itself."""

import argparse
import json
import random
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

import textgen
from chatml import HERE, SPECIAL, THINK
from textgen.common import plain

# Qwen3's pre-tokenizer: words with their leading space, single digits, punctuation runs, line ends.
SPLIT = r"""(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"""


def corpus(n, seed):
    rng = random.Random(seed)
    for _ in range(n):
        s = textgen.conversation(rng)
        s.system and (yield s.system)
        for u, a in s.history:
            yield u
            yield a
        yield s.user
        yield plain(s.answer)


def train(vocab, docs, seed) -> Tokenizer:
    tok = Tokenizer(models.BPE())
    tok.normalizer = normalizers.NFC()
    tok.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(SPLIT), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tok.decoder = decoders.ByteLevel(add_prefix_space=False, trim_offsets=False, use_regex=False)
    tok.post_processor = processors.ByteLevel(add_prefix_space=False, trim_offsets=False, use_regex=False)
    trainer = trainers.BpeTrainer(vocab_size=vocab - len(SPECIAL) - len(THINK), min_frequency=3, show_progress=False, initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()))
    tok.train_from_iterator(corpus(docs, seed), trainer)
    tok.add_special_tokens([AddedToken(t, special=True, normalized=False) for t in SPECIAL])
    tok.add_tokens([AddedToken(t, special=False, normalized=False) for t in THINK])
    return tok


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--vocab", type=int, default=3072)
    p.add_argument("--docs", type=int, default=60000)
    p.add_argument("--seed", type=int, default=17)
    p.add_argument("--out", type=Path, default=HERE)
    a = p.parse_args()
    tok = train(a.vocab, a.docs, a.seed)
    tok.save(str(a.out / "tokenizer.json"), pretty=False)
    added = {str(tok.token_to_id(t)): {"content": t, "lstrip": False, "normalized": False, "rstrip": False, "single_word": False, "special": t in SPECIAL} for t in SPECIAL + THINK}
    config = {"add_bos_token": False, "add_prefix_space": False, "added_tokens_decoder": added, "additional_special_tokens": ["<|im_start|>", "<|im_end|>"], "bos_token": None, "clean_up_tokenization_spaces": False,
              "eos_token": "<|im_end|>", "errors": "replace", "model_max_length": 2048, "pad_token": "<|endoftext|>", "mask_token": "<|mask|>", "split_special_tokens": False, "tokenizer_class": "PreTrainedTokenizerFast", "unk_token": None}
    (a.out / "tokenizer_config.json").write_text(json.dumps(config, indent=2, ensure_ascii=False) + "\n")
    print("vocabulary", tok.get_vocab_size(), "bytes", (a.out / "tokenizer.json").stat().st_size)


if __name__ == "__main__":
    main()
