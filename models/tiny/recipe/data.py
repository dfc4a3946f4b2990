"""Training batches, made on the fly by worker processes (no torch in here). Step k of a seed is always the same."""

import multiprocessing as mp
import os
import random
from collections import deque

import numpy as np

MAX_TOKENS = 768
_encoder = None


def _start():
    global _encoder
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    from chatml import Encoder

    _encoder = Encoder()


def _cuts(lengths, parts, grid=48):
    """Where to cut sorted lengths so that padding each part to its longest costs least (on a coarse grid)."""
    n = len(lengths)
    points = sorted({n * i // grid for i in range(grid + 1)})
    best = {points[0]: (0, [])}
    for _ in range(parts):
        step = dict(best)
        for j in points[1:]:
            step[j] = min((cost + (j - i) * lengths[j - 1], [*cuts, j]) for i, (cost, cuts) in best.items() if i < j)
            if j in best and best[j][0] <= step[j][0]:
                step[j] = best[j]
        best = step
    return best[n][1]


def pack(docs, parts):
    """Documents (ids, start) sorted by length into at most `parts` padded arrays: ids int16 [b, L], start [b], length [b]."""
    docs = sorted(docs, key=lambda d: len(d[0]))
    out, low = [], 0
    for high in _cuts([len(d[0]) for d in docs], parts):
        part, low = docs[low:high], high
        width = -(-len(part[-1][0]) // 16) * 16
        ids = np.zeros((len(part), width), np.int16)
        for row, (tokens, _) in zip(ids, part):
            row[: len(tokens)] = tokens
        out.append((ids, np.array([d[1] for d in part], np.int16), np.array([len(d[0]) for d in part], np.int16)))
    return out


def _step(args):
    import textgen

    seed, step, size, parts, without = args
    rng, docs = random.Random(f"{seed}/{step}"), []
    while len(docs) < size:
        sample = textgen.conversation(rng)
        if sample.family in without:
            continue
        ids, start = _encoder.sample(sample)
        if len(ids) <= MAX_TOKENS:
            docs.append((ids, start))
    return pack(docs, parts)


class Batches:
    """An endless iterator over steps, each a list of `pack`ed parts."""

    def __init__(self, seed, size, parts, workers, without=()):
        self.pool = mp.get_context("spawn").Pool(workers, initializer=_start)
        self.args = lambda k: (seed, k, size, parts, without)
        self.next, self.waiting = 0, deque()
        self.ahead = workers * 4

    def __iter__(self):
        return self

    def __next__(self):
        while len(self.waiting) < self.ahead:
            self.waiting.append(self.pool.apply_async(_step, (self.args(self.next),)))
            self.next += 1
        return self.waiting.popleft().get()

    def close(self):
        self.pool.terminate()
        self.pool.join()
