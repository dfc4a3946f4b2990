"""Conversations as Qwen3's template writes them (thinking off), and as token ids."""

from pathlib import Path

from tokenizers import Tokenizer

from textgen.common import Sample, plain

HERE = Path(__file__).parent
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|mask|>"]
THINK = ["<think>", "</think>"]
_NO_THOUGHT = "<think>\n\n</think>\n\n"
_THOUGHT_TOKENS = 4


def messages(sample: Sample) -> list[dict]:
    """The conversation up to the last request, in the shape chat templates take."""
    out = [] if sample.system is None else [{"role": "system", "content": sample.system}]
    for user, answer in sample.history:
        out += [{"role": "user", "content": user}, {"role": "assistant", "content": answer}]
    return [*out, {"role": "user", "content": sample.user}]


def render(turns: list[dict]) -> str:
    """What `chat_template.jinja` gives for plain turns with add_generation_prompt and thinking off."""
    text = "".join(f"<|im_start|>{t['role']}\n{t['content']}<|im_end|>\n" for t in turns)
    return f"{text}<|im_start|>assistant\n{_NO_THOUGHT}"


class Encoder:
    """Token ids of prompts and answers."""

    def __init__(self, path=HERE / "tokenizer.json"):
        self.tokenizer = Tokenizer.from_file(str(path))
        self.id = {t: self.tokenizer.token_to_id(t) for t in SPECIAL + THINK}
        self.end = self.id["<|im_end|>"]
        self.mask = self.id["<|mask|>"]
        self._letters = {}

    def _spell(self, text: str) -> list[int]:
        for c in text:
            if c not in self._letters:
                self._letters[c] = self.tokenizer.encode(c, add_special_tokens=False).ids
        return [i for c in text for i in self._letters[c]]

    def prompt(self, turns: list[dict]) -> list[int]:
        return self.tokenizer.encode(render(turns), add_special_tokens=False).ids

    def answer(self, text: str) -> list[int]:
        ids = []
        for i, part in enumerate(text.split("\x01")):
            if i % 2:
                ids += self._spell(part)
            elif part:
                # A space before spelled letters is a token of its own.
                ids += self.tokenizer.encode(part, add_special_tokens=False).ids
        return [*ids, self.end]

    def sample(self, sample: Sample) -> tuple[list[int], int]:
        """(ids of the whole conversation, index of the first token of the answer)."""
        prompt = self.prompt(messages(sample))
        return prompt + self.answer(sample.answer), len(prompt)

    def text(self, ids: list[int]) -> str:
        return self.tokenizer.decode([i for i in ids if i != self.end], skip_special_tokens=False)


__all__ = ["Encoder", "messages", "render", "plain", "SPECIAL", "THINK", "_THOUGHT_TOKENS"]
