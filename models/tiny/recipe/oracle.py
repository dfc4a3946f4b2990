"""The official implementation's word on a checkpoint (float32, CPU, transformers 5.8 to 5.14).

    python oracle.py --model DIR --official /path/to/orthrus/src --fixture out.json   # ids and acceptance lengths
    python oracle.py --model DIR --official /path/to/orthrus/src --logits             # compare logits with model.py

The official code is loaded from the folder given, which must hold its model.py; none of it is kept here.
"""

import argparse
import importlib.util
import json
from pathlib import Path

import torch
import transformers

from chatml import Encoder
from export import load
from scoring import load_prompts


def official(src: Path, model_dir: Path):
    spec = importlib.util.spec_from_file_location("official_orthrus", src / "model.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    config = transformers.AutoConfig.from_pretrained(model_dir)
    model, info = module.OrthrusLM.from_pretrained(model_dir, config=config, dtype=torch.float32, attn_implementation="eager", output_loading_info=True)
    wrong = {k: sorted(v) for k, v in info.items() if v and k in ("missing_keys", "unexpected_keys", "mismatched_keys")}
    if wrong:
        raise SystemExit(f"the official class does not take the checkpoint as it is: {wrong}")
    return model.eval()


def acceptance_lengths(model, prompt, max_new):
    """The official generate, watched from outside: every AR pass over a block tells what was accepted."""
    calls, forward = [], model.forward

    def watch(*args, **kwargs):
        out = forward(*args, **kwargs)
        calls.append((kwargs.get("is_diffusion_pass", False), kwargs["input_ids"], out.logits.argmax(-1)))
        return out

    model.forward = watch
    try:
        ids = model.generate(torch.tensor([prompt]), max_new_tokens=max_new, temperature=0.0)
    finally:
        model.forward = forward
    lengths = [int((rows[0, 1:] == said[0, :-1]).long().cumprod(0).sum()) for diffusion, rows, said in calls[1:] if not diffusion]
    return ids[0, len(prompt) :].tolist(), lengths


def compare_logits(model, mine, rows):
    """Largest difference of AR and of diffusion logits, relative to the largest magnitude of the row."""
    enc, worst = Encoder(), {"ar": 0.0, "diffusion": 0.0, "cached": 0.0}
    rel = lambda a, b: ((a - b).abs().amax(-1) / b.abs().amax(-1)).max().item()
    with torch.inference_mode():
        for r in rows:
            ids = torch.tensor([enc.prompt(r["messages"])])
            T, K = ids.shape[1], mine.c.block_size
            cache = transformers.DynamicCache(config=model.config)
            ref = model(input_ids=ids, position_ids=torch.arange(T)[None], past_key_values=cache, use_cache=True).logits
            hidden, kept = mine.forward_ar(ids, keep=True)
            worst["ar"] = max(worst["ar"], rel(mine.head(hidden), ref))
            block = mine.block_ids(ref[:, -1].argmax(-1))
            pos = torch.arange(T, T + K)[None]
            ref_d = model(input_ids=block, position_ids=pos, past_key_values=cache, use_cache=False, is_diffusion_pass=True, ar_seq_len=T).logits
            own = mine.head(mine.forward_blocks(block[:, None], torch.tensor([[T]]), kept))[:, 0]
            worst["diffusion"] = max(worst["diffusion"], rel(own, ref_d))
            # Training sees the same block over the keys of the whole text: later ones must not matter.
            longer = torch.cat((ids, block.flip(1)), 1)
            own = mine.head(mine.forward_blocks(block[:, None], torch.tensor([[T]]), mine.forward_ar(longer, keep=True)[1]))[:, 0]
            worst["diffusion"] = max(worst["diffusion"], rel(own, ref_d))
            verify = torch.cat((block[:, :1], ref_d[:, :-1].argmax(-1)), 1)
            ref_v = model(input_ids=verify, position_ids=pos, past_key_values=cache, use_cache=True).logits
            mine_cache = mine.new_cache(1, T + K, "cpu")
            for (k, v), (ck, cv) in zip(kept, mine_cache):
                ck[:, :, :T], cv[:, :, :T] = k, v
            worst["cached"] = max(worst["cached"], rel(mine.head(mine.forward_cached(verify, torch.tensor([T]), mine_cache)), ref_v))
    return worst


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--model", type=Path, required=True)
    p.add_argument("--official", type=Path, required=True)
    p.add_argument("--fixture", type=Path)
    p.add_argument("--logits", action="store_true")
    p.add_argument("--per-family", type=int, default=8)
    p.add_argument("--max-new", type=int, default=512)
    a = p.parse_args()
    model, rows = official(a.official, a.model), load_prompts(a.per_family)
    if a.logits:
        worst = compare_logits(model, load(a.model), rows[:: a.per_family])
        print("largest relative difference:", worst)
        if max(worst.values()) > 1e-4:
            raise SystemExit("model.py and the official implementation disagree")
    if a.fixture:
        enc, cases = Encoder(a.model / "tokenizer.json"), []
        for r in rows:
            prompt = enc.prompt(r["messages"])
            ids, lengths = acceptance_lengths(model, prompt, a.max_new)
            cases.append({"family": r["family"], "prompt_ids": prompt, "output_ids": ids, "acceptance_lengths": lengths})
        made = {"torch": torch.__version__, "transformers": transformers.__version__, "dtype": "float32", "attention": "eager"}
        body = ",\n".join(json.dumps(c) for c in cases)
        a.fixture.write_text(f'{{"made_with": {json.dumps(made)},\n"max_new_tokens": {a.max_new},\n"cases": [\n{body}\n]}}\n')
        print(len(cases), "cases,", sum(len(c["output_ids"]) for c in cases), "tokens,", sum(len(c["acceptance_lengths"]) for c in cases), "cycles")


if __name__ == "__main__":
    main()
