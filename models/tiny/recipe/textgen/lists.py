"""Sorting, counting, reversing and picking from lists of numbers and words, and spelling words."""

from .common import Sample, and_list, plain, say, spelled
from .words import LIST_WORDS, SPELL_WORDS, invented

FAMILY = "lists"


def _numbers(rng, low=3, high=8, top=None):
    top = top or rng.choice([20, 99, 99, 999])
    return [rng.randint(0, top) for _ in range(rng.randint(low, high))]


def _words(rng, low=3, high=8):
    return rng.sample(LIST_WORDS, rng.randint(low, high))


def _shown(rng, items):
    """A list as people type it."""
    items = [str(i) for i in items]
    style = rng.randrange(6)
    if style == 0:
        return " ".join(items)
    if style == 1:
        return and_list(items)
    if style == 2:
        return "[" + ", ".join(items) + "]"
    if style == 3:
        return ",".join(items)
    return ", ".join(items)


def _line(items):
    return ", ".join(str(i) for i in items)


_UP = "<in ascending order|from smallest to largest|from low to high|in increasing order|from the smallest to the biggest>"
_DOWN = "<in descending order|from largest to smallest|from high to low|in decreasing order|backwards by size|from biggest to smallest>"


def sort_numbers(rng):
    xs = _numbers(rng)
    down = rng.random() < 0.35
    if down:
        ask = rng.choice([f"!<Sort|Order|Arrange|Put> <these numbers|the numbers|this list|the list> {_DOWN}: {{s}}", f"!Sort {{s}} {_DOWN}.", f"!<Sort|Order> {_DOWN}: {{s}}", "!Sort <these numbers|this list>, largest first: {s}"])
    else:
        ask = rng.choice([f"!<Sort|Order|Arrange|Put> <these numbers|the numbers|this list|the list> {_UP}: {{s}}", f"!Sort {{s}} {_UP}.", "!Sort {s}", "sort: {s}", "!<Sort|Order> <these numbers|the numbers|this list|the list|the following numbers>: {s}",
                          "!Sort <these numbers|this list>, smallest first: {s}", "What is {s} <sorted|in order>?", "!Put {s} in order."])
    ys = sorted(xs, reverse=down)
    how = "From largest to smallest" if down else "From smallest to largest"
    return f"{down}|{xs}", say(rng, ask, s=_shown(rng, xs)), f"{how}: {_line(ys)}."


def sort_words(rng):
    xs = _words(rng, 3, 7)
    down = rng.random() < 0.2
    ask = rng.choice(["!Sort <these words|the words|this list> <in reverse alphabetical order|from z to a|backwards by the alphabet>: {s}", "!<Sort|Put> {s} in reverse alphabetical order."] if down else
                     ["!<Sort|Order|Arrange|Put> <these words|the words|this list> <alphabetically|in alphabetical order|from a to z|by the alphabet>: {s}", "!Sort {s} <alphabetically|in alphabetical order>.",
                      "!<Sort|Order> <these words|the words|this list of words>: {s}", "!Put {s} in alphabetical order.", "sort the words {s}", "!Alphabetize <this|these words|>: {s}"])
    ys = sorted(xs, reverse=down)
    return f"{down}|{xs}", say(rng, ask, s=_shown(rng, xs)), f"In {'reverse ' if down else ''}alphabetical order: {_line(ys)}."


def reverse_list(rng):
    xs = _numbers(rng) if rng.random() < 0.5 else _words(rng)
    ask = rng.choice(["!Reverse <this list|the list|the order of this list|these items>: {s}", "!Reverse the list {s}.", "!<Write|Say|Give|Print> <this list|the list> <backwards|in reverse order|in reverse>: {s}",
                      "What is {s} in reverse order?", "!Turn <this list|the list> around: {s}", "reverse the order: {s}", "!List these from last to first: {s}"])
    return f"{xs}", say(rng, ask, s=_shown(rng, xs)), f"In reverse order: {_line(xs[::-1])}."


def count_items(rng):
    xs = _numbers(rng) if rng.random() < 0.4 else _words(rng)
    ask = rng.choice(["How many <items|things|entries> are <in this list|in the list|here>: {s}", "!Count <the items|the items in this list|these>: {s}", "How long is <this list|the list>: {s}?", "How many <items|elements> does the list {s} have?", "count: {s}"])
    return f"{xs}", say(rng, ask, s=_shown(rng, xs)), "\n".join([*(f"{i}. {x}" for i, x in enumerate(xs, 1)), f"The list has {len(xs)} items."])


def extreme(rng):
    xs = _numbers(rng)
    big = rng.random() < 0.6
    word = "<largest|biggest|highest|greatest>" if big else "<smallest|lowest|least>"
    ask = rng.choice([f"What is the {word} number in {{s}}?", f"!Find the {word} <number|value>: {{s}}", f"Which <number|one> is the {word}: {{s}}", f"!Give me the {word} of {{s}}.", f"{'max' if big else 'min'}imum of {{s}}", f"!Find the {'max' if big else 'min'}imum of {{s}}."])
    return f"{big}|{xs}", say(rng, ask, s=_shown(rng, xs)), f"The {'largest' if big else 'smallest'} number is {max(xs) if big else min(xs)}."


def total(rng):
    xs = _numbers(rng, 3, 6, 30)
    ask = rng.choice(["What is the sum of {s}?", "!Add up <these numbers|the list|these>: {s}", "!<Find|Give me> the <sum|total> of <the list |>{s}.", "!Sum <up |>{s}.", "What do {s} add up to?", "total of {s}"])
    lines, t = [f"Start with {xs[0]}."], xs[0]
    for x in xs[1:]:
        lines.append(f"{t} + {x} = {t + x}.")
        t += x
    return f"{xs}", say(rng, ask, s=_shown(rng, xs)), "\n".join([*lines, f"The sum is {t}."])


def pick(rng):
    xs = _words(rng, 4, 8) if rng.random() < 0.6 else _numbers(rng, 4, 8)
    n = rng.randint(1, len(xs))
    names = ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth"]
    last = n == len(xs) and rng.random() < 0.6
    word = "last" if last else names[n - 1]
    ask = rng.choice(["What is the {w} <item|word|entry|one> in <this list|the list>: {s}", "Which <item|one> is {w}: {s}", "!<Give me|Tell me|Pick|Name> the {w} <item|entry> of {s}.", "{w} item of {s}"])
    return f"{word}|{xs}", say(rng, ask, s=_shown(rng, xs), w=word), f"The {word} item is {xs[n - 1]}."


def dedupe(rng):
    base = _words(rng, 2, 4) if rng.random() < 0.5 else rng.sample(range(1, 50), rng.randint(2, 5))
    xs = base + [rng.choice(base) for _ in range(rng.randint(1, 3))]
    rng.shuffle(xs)
    ask = rng.choice(["!Remove <the duplicates|duplicates|repeated items|the repeats> from <this list|the list>: {s}", "!Remove <the |>duplicates: {s}", "!List each item once: {s}", "Which different items are in <this list|the list>: {s}", "!Dedupe <this list|the list>: {s}", "unique items of {s}"])
    return f"{xs}", say(rng, ask, s=_shown(rng, xs)), f"Without duplicates: {_line(dict.fromkeys(xs))}."


def evens(rng):
    xs = _numbers(rng, 4, 8, rng.choice([20, 99]))
    odd = rng.random() < 0.5
    ys = [x for x in xs if x % 2 == odd]
    w = "odd" if odd else "even"
    ask = rng.choice(["Which <numbers|of these numbers> are {w}: {s}", "!<Find|List|Pick|Show|Give me> the {w} numbers in {s}.", "!Keep only the {w} numbers: {s}", "{w} numbers in {s}"])
    steps = _line(f"{x} is {'odd' if x % 2 else 'even'}" for x in xs)
    last = f"The {w} numbers are: {_line(ys)}." if ys else f"None of the numbers is {w}."
    return f"{w}|{xs}", say(rng, ask, s=_shown(rng, xs), w=w), f"{steps}.\n{last}"


def _word(rng):
    return invented(rng) if rng.random() < 0.35 else rng.choice(SPELL_WORDS)


def _quoted(rng, w):
    return rng.choice([w, w, f'"{w}"', f"'{w}'"])


def spell(rng):
    w = _word(rng)
    ask = rng.choice(["!Spell {w}.", "!Spell the word {w}.", "How do you spell {w}?", "What letters are in {w}?", "!Spell out {w} letter by letter.", "!List the letters of {w}."])
    return w, say(rng, ask, w=_quoted(rng, w)), f"The letters are: {_line(w)}."


def reverse_word(rng):
    w = _word(rng)
    ask = rng.choice(["!Reverse the word {w}.", "!Reverse {w}.", "!<Write|Spell|Say> {w} <backwards|backward|in reverse>.", "What is {w} <backwards|spelled backwards|reversed>?", "!Reverse the letters of {w}.", "reverse this word: {w}", "{w} backwards", "!Turn the word {w} around."])
    return w, say(rng, ask, w=_quoted(rng, w)), f"The letters are: {_line(w)}.\nBackwards: {_line(w[::-1])}.\nThe reversed word is {spelled(w[::-1])}."


def count_letters(rng):
    w = _word(rng)
    ask = rng.choice(["How many letters <are in|are there in|are in the word> {w}?", "How many letters does {w} have?", "!Count the letters in {w}.", "How long is the word {w}?", "!Count the letters of the word {w}.", "number of letters in {w}"])
    return w, say(rng, ask, w=_quoted(rng, w)), "\n".join([" ".join(f"{i} {c}" for i, c in enumerate(w, 1)), f"The word has {len(w)} letters."])


def count_letter(rng):
    w = _word(rng)
    c = rng.choice(w) if rng.random() < 0.85 else rng.choice("abcdefghijklmnopqrstuvwxyz")
    ask = rng.choice(["How many <times does the letter|times does> {c} <appear|occur> in {w}?", "How many {c}'s are <there in|in> {w}?", "How many {c} are in <the word |>{w}?", "!Count the letter {c} in {w}.", "!Count how often {c} appears in {w}.", "How many letters {c} does {w} have?", "how many {c}s in {w}"])
    n, parts = 0, []
    for x in w:
        n += x == c
        parts.append(f"{x} {n}")
    times = "once" if n == 1 else f"{n} times"
    return f"{w}|{c}", say(rng, ask, w=_quoted(rng, w), c=c), f"Counting {c}: {', '.join(parts)}.\nThe letter {c} appears {times}."


def vowels(rng):
    w = _word(rng)
    found = [c for c in w if c in "aeiou"]
    ask = rng.choice(["How many vowels <are in|are there in> {w}?", "!Count the vowels in {w}.", "How many vowels does {w} have?", "!Count the vowels of the word {w}.", "What are the vowels in {w}?", "vowels in {w}"])
    tail = f"The vowels are: {_line(found)}.\nThat makes {len(found)}." if found else "There are no vowels."
    return w, say(rng, ask, w=_quoted(rng, w)), f"The letters are: {_line(w)}.\n{tail}"


def count_words(rng):
    xs = [rng.choice(LIST_WORDS) for _ in range(rng.randint(3, 9))]
    xs = [rng.choice(["the", "a", "my", "and", "with", "is", "in"]) if rng.random() < 0.3 else x for x in xs]
    text = " ".join(xs)
    ask = rng.choice(['How many words are <in|there in> "{s}"?', "!Count the words<:| in this sentence:| in:> {s}", 'How many words does "{s}" have?', "How many words are in this sentence: {s}"])
    return text, say(rng, ask, s=text), "\n".join([*(f"{i}. {x}" for i, x in enumerate(xs, 1)), f"There are {len(xs)} words."])


def reverse_words(rng):
    xs = [rng.choice(LIST_WORDS + ["the", "a", "and"]) for _ in range(rng.randint(3, 7))]
    text = " ".join(xs)
    ask = rng.choice(['!Reverse the <order of the words|words|word order> in "{s}".', "!Reverse the <order of the words|words|word order>: {s}", "!Write the words <backwards|in reverse order>: {s}"])
    return text, say(rng, ask, s=text), f"The words in reverse order: {' '.join(xs[::-1])}"


def upper(rng):
    xs = [rng.choice(LIST_WORDS) for _ in range(rng.randint(1, 4))]
    text = " ".join(xs)
    ask = rng.choice(['!<Write|Put|Say> "{s}" in <capitals|capital letters|upper case|uppercase>.', "!<Convert|Turn|Change> {s} <to|into> <upper case|uppercase|capitals>.", "!Uppercase this: {s}", "{s} in capital letters"])
    return text, say(rng, ask, s=text), f"In capital letters: {spelled(text.upper())}"


_TASKS = [(sort_numbers, 16), (sort_words, 9), (reverse_list, 8), (count_items, 5), (extreme, 6), (total, 5), (pick, 4), (dedupe, 4), (evens, 4), (spell, 4),
          (reverse_word, 9), (count_letters, 4), (count_letter, 7), (vowels, 5), (count_words, 4), (reverse_words, 3), (upper, 3)]


def make(rng) -> Sample:
    task = rng.choices([t for t, _ in _TASKS], weights=[w for _, w in _TASKS])[0]
    params, ask, answer = task(rng)
    assert plain(ask) == ask
    return Sample(FAMILY, f"{task.__name__}|{params}", ask, answer)
