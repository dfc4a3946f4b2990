"""Writes eval_prompts.jsonl: prompts whose identity is in the held-out bucket, no identity twice."""

import argparse
import json
import random
from pathlib import Path

import textgen
from chatml import HERE, messages
from textgen.common import plain


def prompts(family, n, seed):
    """Up to n held-out prompts of a family, without earlier turns of other families."""
    rng, seen, misses = random.Random(f"{seed}/{family}"), set(), 0
    while len(seen) < n and misses < 200_000:
        s = textgen.draw(rng, family, held_out=True)
        misses += 1
        if s.identity in seen:
            continue
        seen.add(s.identity)
        yield {"family": family, "task": s.task, "messages": messages(s), "expected": plain(s.answer) if s.exact else None}


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--per-family", type=int, default=300)
    p.add_argument("--seed", default="eval-1")
    p.add_argument("--out", type=Path, default=HERE / "eval_prompts.jsonl")
    a = p.parse_args()
    with a.out.open("w") as f:
        for family in textgen.FAMILIES:
            rows = list(prompts(family, a.per_family, a.seed))
            f.writelines(json.dumps(r, ensure_ascii=False) + "\n" for r in rows)
            print(family, len(rows))


if __name__ == "__main__":
    main()
