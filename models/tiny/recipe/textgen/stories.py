"""Short English stories. A plot gives the order of events, every event has many sentences, and every
sentence has choices inside. What the request names inclines each choice one way (`Teller`), so that greedy
answers to different requests are different stories; the rest is chance."""

import hashlib

from .common import Sample, article, fill, say
from .plots import CLOSINGS, DETAILS, FEELINGS, OPENINGS, PLOTS
from .words import NAMES_F, NAMES_M, PLACES, invented

FAMILY = "stories"

HEROES = """fox owl bear rabbit mouse cat dog horse turtle frog duck goat sheep squirrel hedgehog badger otter beaver penguin seal whale dolphin
crab snail bee ant spider butterfly sparrow robin crow parrot swan lion tiger elephant giraffe monkey donkey kitten puppy robot dragon wizard
princess pirate knight giant fairy ghost king queen astronaut baker gardener painter sailor girl boy farmer clockmaker lighthouse_keeper""".split()
OBJECTS = """lantern key map bell kite drum flute mirror umbrella button scarf boat basket lamp book ring feather shell stone seed letter compass hat
blanket clock coin ladder rope candle bottle pumpkin star_chart music_box telescope paintbrush wooden_horse glass_marble paper_crane teapot wheel""".split()
TRAITS = "small curious brave shy clever lazy kind hungry quiet grumpy lonely cheerful proud gentle clumsy patient stubborn dreamy young old".split()
SETTINGS = PLACES + ["snowy village", "busy market", "deep forest", "quiet harbour", "windy hill", "secret garden", "tall tower", "little town", "frozen lake", "old mill"]


INCLINED = 0.7


class Teller:
    """Chooses like a `random.Random`, but mostly what one of the request's words inclines to. Which word it is
    depends on the choice alone, and what it inclines to on word and choice: a table that can be learnt."""

    def __init__(self, rng, words):
        self.rng, self.words = rng, words

    def choice(self, options, label=None):
        label = label or "|".join(map(str, options))
        word = self.words[self._number(label) % len(self.words)]
        own = options[self._number(f"{word} {label}") % len(options)]
        return own if self.rng.random() < INCLINED else self.rng.choice(options)

    def _number(self, text):
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def _draw(teller, fixed):
    """What the request fixes, and what the teller makes of the rest."""
    girl = fixed["name"] in NAMES_F if "name" in fixed else teller.choice([True, False])
    name = fixed.get("name") or teller.choice(NAMES_F if girl else NAMES_M)
    other = teller.choice(NAMES_M if girl else NAMES_F)
    hero = fixed.get("hero") or teller.choice(HEROES)
    friend = teller.choice([h for h in HEROES if h != hero], "friend")
    she, her, hers = ("she", "her", "her") if girl else ("he", "him", "his")
    obj, trait = fixed.get("obj") or teller.choice(OBJECTS), fixed.get("trait") or teller.choice(TRAITS)
    obj, hero, friend = (w.replace("_", " ") for w in (obj, hero, friend))
    return dict(name=name, hero=hero, friend=friend, other=other, she=she, her=her, hers=hers, She=she.capitalize(), Hers=hers.capitalize(), obj=obj, trait=trait,
                place=fixed.get("place") or teller.choice(SETTINGS), a_hero=article(f"{trait} {hero}"), a_friend=article(friend), an_obj=article(obj))


def _name(rng):
    return invented(rng, 2, 2).capitalize() if rng.random() < 0.15 else rng.choice(NAMES_F + NAMES_M)


_SLOTS = {"name": _name, "hero": lambda rng: rng.choice(HEROES), "obj": lambda rng: rng.choice(OBJECTS), "trait": lambda rng: rng.choice(TRAITS), "place": lambda rng: rng.choice(SETTINGS)}


# What a request may fix; the rest is the storyteller's.
_REQUESTS = [
    (("hero",), ["!<Tell|Write> me a <short |little |>story about {h}.", "!Write a <short |little |bedtime |>story about {h}.", "<A|One> <short |>story about {h}, please.", "story about {h}", "I want <a|to hear a> story about {h}.", "!Tell a story about {h}.", "Do you know a story about {h}?", "!Make up a story about {h}."]),
    (("hero", "trait"), ["!<Tell me|Write> a <short |>story about {th}.", "!Write about {th}.", "A <bedtime |short |>story with {th}, please.", "!Make up a <short |>tale about {th}."]),
    (("hero", "obj"), ["!<Tell me|Write> a <short |>story about {h} and {o}.", "!Write a story with {h} and {o} <in it|>.", "!Tell a <short |>tale of {h} who finds {o}.", "story with {h} and {o}"]),
    (("hero", "place"), ["!<Tell me|Write> a <short |>story about {h} in the {p}.", "!Write a <short |bedtime |>story about {h} by the {p}.", "A story set in a {p} with {h}, please."]),
    (("name", "hero"), ["!<Tell me|Write> a <short |>story about {h} called {n}.", "!Write a <short |bedtime |>story about {h} named {n}.", "Can you tell me about {n} the {k}?"]),
    (("obj",), ["!<Tell me|Write> a <short |>story about {o}.", "!Write a story with {o} in it.", "A story about {o}, please."]),
    (("place",), ["!<Tell me|Write> a <short |>story set in a {p}.", "!Tell me a story about the {p}."]),
    ((), ["!<Tell me|Write|Write me|Give me> a <short |bedtime |little |nice |>story.", "<A|One> story, please.", "I would like to hear a story.", "story", "Do you know a story?", "!Make up a story."]),
]


def tell(teller, slots) -> str:
    """One story: opening, the beats of a plot with details and feelings strewn in, closing."""
    plot = PLOTS[teller.choice(range(len(PLOTS)), "plot")]
    parts = [teller.choice(OPENINGS)]
    for i, beat in enumerate(plot):
        parts.append(teller.choice(beat))
        extra = teller.choice(["detail", "detail", "feeling", None, None, None, None], f"after beat {i}")
        if extra == "detail":
            parts.append(teller.choice(DETAILS, f"detail {i}"))
        elif extra and i:
            parts.append(teller.choice(FEELINGS, f"feeling {i}"))
    parts.append(teller.choice(CLOSINGS))
    sentences = [fill(teller, p, **slots) for p in parts]
    cut = teller.choice(range(2, len(sentences) - 1), "cut")
    return " ".join(sentences[:cut]) + "\n\n" + " ".join(sentences[cut:])


def make(rng) -> Sample:
    keys, asks = rng.choices(_REQUESTS, weights=[8, 4, 5, 3, 3, 2, 2, 1])[0]
    fixed = {k: _SLOTS[k](rng) for k in keys}
    ask = rng.choice(asks)
    teller = Teller(rng, [fixed[k] for k in keys] or [ask])
    slots = _draw(teller, fixed)
    text = say(rng, ask, h=article(slots["hero"]), th=slots["a_hero"], o=slots["an_obj"], p=slots["place"], n=slots["name"], k=slots["hero"])
    identity = "story|" + "|".join(f"{k}={slots[k]}" for k in keys) if keys else "story|" + text.lower()
    return Sample(FAMILY, identity, text, tell(teller, slots), exact=False)
