"""Accuracy and drafting figures of a model on eval_prompts.jsonl, by family."""

import json
import math
from collections import Counter, defaultdict

from chatml import HERE, Encoder
from decode import dual, greedy


def load_prompts(per_family=None, path=HERE / "eval_prompts.jsonl"):
    rows, seen = [], Counter()
    for line in open(path):
        row = json.loads(line)
        seen[row["family"]] += 1
        if per_family is None or seen[row["family"]] <= per_family:
            rows.append(row)
    return rows


def interval(values):
    """(mean, half width of the 95 % interval)"""
    m = sum(values) / len(values)
    var = sum((v - m) ** 2 for v in values) / max(1, len(values) - 1)
    return m, 1.96 * math.sqrt(var / len(values))


def score(model, rows, max_new=512, compare=200):
    """Runs the dual loop on all rows (and the AR loop on some). Returns (table, answers)."""
    enc = Encoder()
    prompts = [enc.prompt(r["messages"]) for r in rows]
    results = dual(model, prompts, enc.end, max_new)
    some = list(range(0, len(rows), max(1, len(rows) // compare)))
    alone = greedy(model, [prompts[i] for i in some], enc.end, max_new)
    same = sum(results[i][0] == a for i, a in zip(some, alone))
    by, answers, histogram = defaultdict(lambda: defaultdict(list)), [], defaultdict(Counter)
    for r, (ids, accepts) in zip(rows, results):
        text = enc.text(ids)
        f = by[r["family"]]
        if accepts:
            f["tpc"].append((len(ids) - 1) / len(accepts) if len(ids) > 1 else 1.0)
            histogram[r["family"]].update(accepts)
        f["tokens"].append(len(ids))
        f["cycles"].append(len(accepts))
        if r["expected"] is not None:
            f["right"].append(text == r["expected"])
            f[f"task {r['task']}"].append(text == r["expected"])
        answers.append({**r, "answer": text, "right": None if r["expected"] is None else text == r["expected"], "accepts": accepts})
    table = {}
    for name, f in by.items():
        mean, half = interval(f["tpc"])
        table[name] = {"prompts": len(f["tokens"]), "accuracy": sum(f["right"]) / len(f["right"]) if f["right"] else None, "tokens_per_cycle": round(mean, 3), "interval95": round(half, 3),
                       "tokens_per_cycle_pooled": round((sum(f["tokens"]) - len(f["tokens"])) / max(1, sum(f["cycles"])), 3), "mean_tokens": round(sum(f["tokens"]) / len(f["tokens"]), 1),
                       "tasks": {k[5:]: [sum(v), len(v)] for k, v in f.items() if k.startswith("task ")}, "histogram": dict(sorted(histogram[name].items()))}
    every = [t for f in by.values() for t in f["tpc"]]
    mean, half = interval(every)
    table["overall"] = {"prompts": len(rows), "tokens_per_cycle": round(mean, 3), "interval95": round(half, 3), "dual_equals_ar": [same, len(some)]}
    return table, answers


def show(table, tasks=True):
    lines = [f"{'family':<15} {'n':>5} {'exact':>7} {'tok/cycle':>16} {'pooled':>7} {'tokens':>7}"]
    for name, t in table.items():
        exact = "" if t.get("accuracy") is None else f"{100 * t['accuracy']:.1f}%"
        lines.append(f"{name:<15} {t['prompts']:>5} {exact:>7} {t['tokens_per_cycle']:>8.2f} ± {t['interval95']:<5.2f} {t.get('tokens_per_cycle_pooled', ''):>7} {t.get('mean_tokens', ''):>7}")
        if tasks and t.get("tasks"):
            weak = {k: f"{a}/{b}" for k, (a, b) in t["tasks"].items() if a < b}
            if weak:
                lines.append(f"    not all right: {weak}")
    if "overall" in table:
        lines.append("dual ids equal AR ids: {}/{}".format(*table["overall"]["dual_equals_ar"]))
    return "\n".join(lines)
