"""Figures of a checkpoint with model.py, and the check that its AR part is a plain Qwen3 in transformers.

    python evaluate.py --model DIR [--per-family N]      # table of accuracy and tokens per cycle
    python evaluate.py --model DIR --qwen3 24            # greedy text of Qwen3ForCausalLM against model.py
"""

import argparse
import json
from pathlib import Path

import torch

from chatml import Encoder, render
from decode import greedy
from export import load
from scoring import load_prompts, score, show


def against_qwen3(path: Path, rows, max_new):
    """Whether transformers' Qwen3 and its template give the same prompts and the same greedy ids."""
    from transformers import AutoTokenizer, Qwen3ForCausalLM

    tok = AutoTokenizer.from_pretrained(path)
    other = Qwen3ForCausalLM.from_pretrained(path, dtype=torch.float32).eval()
    enc, mine = Encoder(path / "tokenizer.json"), load(path)
    same = 0
    for r in rows:
        ids = enc.prompt(r["messages"])
        text = tok.apply_chat_template(r["messages"], tokenize=False, add_generation_prompt=True, enable_thinking=False)
        assert text == render(r["messages"]), "the template renders differently"
        assert tok(text, add_special_tokens=False)["input_ids"] == ids, "the tokenizer gives other ids"
        with torch.inference_mode():
            theirs = other.generate(torch.tensor([ids]), max_new_tokens=max_new, do_sample=False, eos_token_id=enc.end, pad_token_id=0)[0, len(ids) :].tolist()
        same += theirs == greedy(mine, [ids], enc.end, max_new)[0]
    return same


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--model", type=Path, required=True)
    p.add_argument("--per-family", type=int, default=None)
    p.add_argument("--max-new", type=int, default=512)
    p.add_argument("--qwen3", type=int, default=0, help="compare this many prompts with Qwen3ForCausalLM")
    p.add_argument("--out", type=Path)
    a = p.parse_args()
    if a.qwen3:
        rows = load_prompts()
        rows = rows[:: max(1, len(rows) // a.qwen3)][: a.qwen3]
        same = against_qwen3(a.model, rows, a.max_new)
        print(f"Qwen3ForCausalLM gives the same greedy ids on {same} of {len(rows)} prompts")
        raise SystemExit(same != len(rows))
    device = "cuda" if torch.cuda.is_available() else "cpu"
    table, answers = score(load(a.model, device), load_prompts(a.per_family), a.max_new)
    print(show(table))
    if a.out:
        a.out.write_text(json.dumps({"table": table, "answers": answers}, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
