"""The generator: families mixed, with turns before and system prompts around them."""

import random

from . import arith, chat, code, jsonify, lists, refusals, stories, wordproblems
from .common import Sample, is_held_out, plain

FAMILIES = {m.FAMILY: m for m in (arith, wordproblems, lists, jsonify, code, stories, chat, refusals)}

# Shares of the training conversations.
WEIGHTS = {"arithmetic": 22, "word_problems": 12, "lists": 25, "json": 12, "code": 10, "stories": 22, "chat": 11, "refusals": 6}
# Share of bare sums on top.
_PRACTICE = 0.012

_NEUTRAL = ["You are a helpful assistant.", "You are a helpful assistant.", "You are helpful.", "You are a friendly assistant.", "You are an assistant that answers questions.", "Be helpful.", "Help the user.",
            "You are a small and helpful model.", "Answer the user.", "You are a careful assistant.", "You are an AI assistant.", "Think step by step.", "Answer in plain words.", "Answer in English.", "Be kind and helpful."]
_MAX_HISTORY_CHARS = 1400


def draw(rng: random.Random, family: str, held_out: bool, make=None) -> Sample:
    """A sample of the family (or what `make` makes) from the wanted side of the split."""
    while True:
        sample = (make or FAMILIES[family].make)(rng)
        if is_held_out(sample.identity) == held_out:
            return sample


def conversation(rng: random.Random, family: str | None = None, held_out: bool = False) -> Sample:
    """A whole conversation: sometimes earlier turns of any family, sometimes a neutral system prompt.
    Earlier turns are always from the training side."""
    if family is None and rng.random() < _PRACTICE:
        sample = draw(rng, chat.FAMILY, held_out, chat.practice)
    else:
        sample = draw(rng, family or rng.choices(list(WEIGHTS), weights=WEIGHTS.values())[0], held_out)
    if sample.system is None and rng.random() < 0.12:
        before, size = [], 0
        for _ in range(rng.choice([1, 1, 1, 2, 2, 3, 4])):
            turn = draw(rng, rng.choices(list(WEIGHTS), weights=WEIGHTS.values())[0], False)
            if turn.system is not None:
                continue
            turns = [*turn.history, (turn.user, plain(turn.answer))]
            size += sum(len(u) + len(a) for u, a in turns)
            if size > _MAX_HISTORY_CHARS:
                break
            before += turns
        sample.history = before + sample.history
    if sample.system is None and rng.random() < 0.10:
        sample.system = rng.choice(_NEUTRAL)
    return sample
