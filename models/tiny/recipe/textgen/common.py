"""What every family of the generator shares: samples, the held-out rule, phrasing and typing noise.

A family is a module with `FAMILY` and `make(rng) -> Sample`. Everything random comes from the
`random.Random` that is passed in, so a seed fixes the text.
"""

import hashlib
import re
from dataclasses import dataclass, field

BUCKETS = 20
HELD_OUT_BUCKET = 0


@dataclass(slots=True)
class Sample:
    """One conversation whose last answer is to be learnt.

    `identity` is the canonical name of what is asked (task and parameters, not wording): it alone
    decides whether the sample may be trained on. `exact` says that `answer` is the one right answer.
    Text between two \\x01 in `answer` is encoded one character per token and carries no \\x01 when shown.
    """

    family: str
    identity: str
    user: str
    answer: str
    exact: bool = True
    system: str | None = None
    history: list[tuple[str, str]] = field(default_factory=list)

    @property
    def task(self) -> str:
        return self.identity.split("|", 1)[0]


def spelled(text: str) -> str:
    """Marks text that is written letter by letter (one token per character)."""
    return f"\x01{text}\x01"


def plain(text: str) -> str:
    """The text as a reader sees it."""
    return text.replace("\x01", "")


def is_held_out(identity: str) -> bool:
    """Whether an identity is reserved for evaluation (one in twenty, by hash)."""
    digest = hashlib.sha256(identity.encode()).digest()
    return int.from_bytes(digest[:4], "big") % BUCKETS == HELD_OUT_BUCKET


_CHOICE = re.compile(r"<([^<>]*)>")
_SLOT = re.compile(r"(\{\w+\})")


def expand(rng, template: str) -> str:
    """Replaces every `<a|b|c>` (innermost first) by one of its alternatives."""
    while "<" in template:
        template = _CHOICE.sub(lambda m: rng.choice(m[1].split("|")), template)
    return template


def fill(rng, template: str, **slots) -> str:
    """Expands alternatives and fills `{slots}`; no noise (for answers)."""
    text = expand(rng, template)
    return _SLOT.sub(lambda m: str(slots[m[0][1:-1]]), text)


def _typo(rng, word: str) -> str:
    i = rng.randrange(1, len(word) - 1)
    kind = rng.randrange(3)
    if kind == 0:
        return word[:i] + word[i + 1 :]
    if kind == 1:
        return word[:i] + word[i + 1] + word[i] + word[i + 2 :]
    return word[:i] + word[i] + word[i:]


_BEFORE = ["Please {x}", "please {x}", "Can you {x}", "Could you {x}", "Can you please {x}", "Hey, {x}", "Hi, {x}",
           "I need you to {x}", "I want you to {x}", "Would you {x}", "Now {x}", "Hello! Please {x}", "Help me {x}"]
_ASKING = ("Can", "Could", "Would")


def say(rng, template: str, **slots) -> str:
    """A request as a person may type it. A template that opens with `!` is an imperative, which may be
    wrapped in courtesies. Noise (case, punctuation, typos) never touches the slots."""
    imperative = template.startswith("!")
    text = expand(rng, template[1:] if imperative else template)
    if imperative and rng.random() < 0.35:
        wrap = rng.choice(_BEFORE)
        text = wrap.replace("{x}", text[0].lower() + text[1:])
        if wrap.startswith(_ASKING) and text.endswith("."):
            text = text[:-1] + "?"
    if rng.random() < 0.06:
        text = text + rng.choice([" Thanks!", " thanks", " Thank you.", " please", " Please.", " :)"])
    roll = rng.random()
    if roll < 0.18 and text[-1:] in ".?!":
        text = text[:-1]
    parts = _SLOT.split(text)
    roll = rng.random()
    if roll < 0.28:
        parts = [p if p.startswith("{") and p.endswith("}") else p.lower() for p in parts]
    if rng.random() < 0.05:
        i = rng.randrange(0, len(parts), 2)
        words = parts[i].split(" ")
        long = [j for j, w in enumerate(words) if len(w) >= 5 and w.isalpha()]
        if long:
            j = rng.choice(long)
            words[j] = _typo(rng, words[j])
            parts[i] = " ".join(words)
    return "".join(str(slots[p[1:-1]]) if p.startswith("{") and p.endswith("}") else p for p in parts)


def article(word: str) -> str:
    """`a fox`, `an owl`."""
    return ("an " if word[0].lower() in "aeiou" else "a ") + word


def and_list(items) -> str:
    """`a, b and c`."""
    items = [str(i) for i in items]
    return items[0] if len(items) == 1 else ", ".join(items[:-1]) + " and " + items[-1]
