"""Small word problems: one to three steps on small whole numbers, one sentence a step."""

from .common import Sample, fill, say
from .words import ANIMALS, FOODS, NAMES, THINGS, person, pronouns

FAMILY = "word_problems"


def plural(word: str) -> str:
    if word in ("sheep", "deer"):
        return word
    if word in ("mouse", "goose", "wolf", "knife", "leaf"):
        return {"mouse": "mice", "goose": "geese", "wolf": "wolves", "knife": "knives", "leaf": "leaves"}[word]
    if word.endswith(("s", "x", "ch", "sh")) or word in ("potato", "tomato"):
        return word + "es"
    if word.endswith("y") and word[-2] not in "aeiou":
        return word[:-1] + "ies"
    return word + "s"


_UNCOUNTED = {"bread", "butter", "milk", "honey", "rice", "soup", "jam", "tea", "coffee", "juice", "chocolate", "corn", "garlic", "cheese"}
ITEMS = [w for w in FOODS if w not in _UNCOUNTED] + THINGS
KEPT = "sheep cow goat hen duck horse pig rabbit bee".split()


def count(n: int, word: str) -> str:
    return f"{n} {word if n == 1 else plural(word)}"


def gain_lose(rng):
    """Two or three changes to an amount."""
    name, item = person(rng), rng.choice(ITEMS)
    she, her, _ = pronouns(name)
    start = total = rng.randint(2, 60)
    story, steps, key = [], [], [start]
    for _ in range(rng.choice([1, 2, 2, 3])):
        n = rng.randint(1, 30)
        if rng.random() < 0.5 or n > total:
            verb = rng.choice(["buys {n} more", "finds {n} more", "gets {n} more from {o}", "picks up {n} more", "is given {n} more"])
            steps.append(f"Add {n}: {total} + {n} = {total + n}.")
            total += n
            key.append(n)
        else:
            verb = rng.choice(["loses {n}", "gives {n} to {o}", "sells {n}", "gives away {n}", "throws away {n}", "lends {n} to {o}"])
            steps.append(f"Take away {n}: {total} - {n} = {total - n}.")
            total -= n
            key.append(-n)
        story.append(verb.replace("{n}", str(n)).replace("{o}", rng.choice([x for x in NAMES if x != name])))
    joined = [fill(rng, "<Then |After that |Next, |>", ) + f"{name if she == 'they' else she} {s}." for s in story]
    joined = [s[0].upper() + s[1:] for s in joined]
    ask = say(rng, rng.choice(["{name} <has|starts with|owns> {a}. {story} How many {items} does {name} have <now|in the end|left|at the end>?",
                               "{name} <has|had> {a}. {story} How many {items} are there now?", "If {name} has {a}. {story} How many {items} is that?",
                               "Word problem: {name} <has|starts with> {a}. {story} How many {items} does {name} have?"]),
              name=name, a=count(start, item), story=" ".join(joined), items=plural(item))
    lines = [f"{name} starts with {count(start, item)}.", *steps, f"So {name} has {count(total, item)}."]
    return f"{name}|{item}|{key}", ask, "\n".join(lines)


def groups(rng):
    a, b = rng.randint(2, 12), rng.randint(2, 12)
    item, (box, boxes) = rng.choice(ITEMS), rng.choice([("box", "boxes"), ("bag", "bags"), ("basket", "baskets"), ("shelf", "shelves"), ("row", "rows"), ("pack", "packs"), ("crate", "crates")])
    name = person(rng)
    extra = rng.randint(1, 20) if rng.random() < 0.4 else 0
    tail = f" There {'is' if extra == 1 else 'are'} {count(extra, item)} more on the table." if extra else ""
    ask = say(rng, rng.choice(["{name} has {a} {boxes} with {b} {items} in each.{tail} How many {items} <are there|does {name} have|is that> <in total|altogether|in all>?",
                               "There are {a} {boxes}. Each {box} holds {b} {items}.{tail} How many {items} are there <in total|altogether|in all>?",
                               "{name} <fills|packs> {a} {boxes} with {b} {items} each.{tail} How many {items} is that <in total|altogether|in all>?",
                               "If each {box} has {b} {items} and there are {a} {boxes}, how many {items} are there?{tail}" if not extra else
                               "Each of {a} {boxes} has {b} {items}.{tail} How many {items} are there <altogether|in total>?"]),
              name=name, a=a, b=b, items=plural(item), box=box, boxes=boxes, tail=tail)
    lines = [f"There are {a} {boxes} with {count(b, item)} each: {a} * {b} = {a * b}."]
    if extra:
        lines.append(f"Add the {extra} more: {a * b} + {extra} = {a * b + extra}.")
    lines.append(f"So there are {count(a * b + extra, item)}.")
    return f"{name}|{item}|{box}|{a}|{b}|{extra}", ask, "\n".join(lines)


def price(rng):
    a, p, item = rng.randint(2, 12), rng.randint(2, 12), rng.choice(ITEMS)
    name, cost = person(rng), 0
    cost = a * p
    pay = 0
    if rng.random() < 0.5:
        pay = rng.choice([n for n in (10, 20, 50, 100, 150) if n >= cost])
    money = rng.choice(["dollars", "euros", "coins"])
    she = pronouns(name)[0]
    who = name if she == "they" else she
    ask = say(rng, rng.choice(["{name} buys {a} {items} <for|at> {p} {money} each. {q}", "One {item} costs {p} {money}. {name} buys {a} {items}. {q}",
                               "A shop sells {items} for {p} {money} each. {name} buys {a}. {q}", "If one {item} costs {p} {money} and {name} buys {a} of them. {q}"]),
              name=name, a=a, p=p, item=item, items=plural(item), money=money,
              q=f"{who[0].upper() + who[1:]} pays with {pay} {money}. " + rng.choice([f"How much does {who} get back?", "How much change is that?", "How much is left?"]) if pay else
              rng.choice([f"How much does {who} pay?", "How much is that in total?", "What is the total cost?"]))
    lines = [f"{count(a, item)} at {p} {money} each: {a} * {p} = {cost}."]
    if pay:
        lines += [f"Take this from {pay}: {pay} - {cost} = {pay - cost}.", f"So {name} gets {pay - cost} {money} back."]
    else:
        lines.append(f"So {name} pays {cost} {money}.")
    return f"{name}|{item}|{money}|{a}|{p}|{pay}", ask, "\n".join(lines)


def share(rng):
    k, each = rng.randint(2, 12), rng.randint(1, 12)
    left = rng.randrange(k) if rng.random() < 0.4 else 0
    n, item, name = k * each + left, rng.choice(ITEMS), person(rng)
    ask = say(rng, rng.choice(["{name} shares {a} <equally |evenly |>among {k} <friends|children|people>. How many {items} does each <one |>get{left}?",
                               "{a} are <shared|divided> equally <among|between> {k} <friends|children|people>. How many does each get{left}?",
                               "{k} <friends|children|people> share {a} equally. How many {items} does each of them get{left}?"]),
              name=name, a=count(n, item), k=k, items=plural(item), left=rng.choice([", and how many are left over", ", and how many are left"]) if left else "")
    lines = [f"Share {count(n, item)} among {k}: {n} / {k} = {each}" + (f" remainder {left}." if left else ".")]
    lines.append(f"So each one gets {count(each, item)}" + (f", and {left} {'is' if left == 1 else 'are'} left over." if left else "."))
    return f"{name}|{item}|{n}|{k}", ask, "\n".join(lines)


def more_than(rng):
    one = person(rng)
    two = rng.choice([n for n in NAMES if n != one])
    item, a, d = rng.choice(ITEMS), rng.randint(5, 50), rng.randint(1, 30)
    more = rng.random() < 0.5 or d >= a
    b = a + d if more else a - d
    both = rng.random() < 0.6
    ask = say(rng, rng.choice(["{one} has {a}. {two} has {d} {more} {items} than {one}. {q}", "{two} has {d} {more} {items} than {one}. {one} has {a}. {q}"]),
              one=one, two=two, a=count(a, item), d=d, more="more" if more else "fewer", items=plural(item),
              q=rng.choice([f"How many {plural(item)} do they have together?", "How many do they have in total?", f"How many {plural(item)} do {one} and {two} have altogether?"]) if both else
              rng.choice([f"How many {plural(item)} does {two} have?", f"How many does {two} have?"]))
    lines = [f"{one} has {count(a, item)}.", f"{two} has {d} {'more' if more else 'fewer'}: {a} {'+' if more else '-'} {d} = {b}."]
    if both:
        lines += [f"Together: {a} + {b} = {a + b}.", f"So they have {count(a + b, item)} together."]
    else:
        lines.append(f"So {two} has {count(b, item)}.")
    return f"{one}|{two}|{item}|{a}|{b}|{both}", ask, "\n".join(lines)


def travel(rng):
    what, v = rng.choice([("train", 60), ("car", 50), ("bus", 40), ("bicycle", 12), ("boat", 20), ("walker", 4)])
    speed, hours = max(2, v + rng.randint(-3, 3) * (10 if v > 30 else 1)), rng.randint(2, 9)
    unit = rng.choice(["km", "miles"])
    ask = say(rng, rng.choice(["A {w} <goes|travels|moves> {v} {u} <per|an> hour. How far does it go in {h} hours?",
                               "A {w} travels <at|with> {v} {u} per hour for {h} hours. <How far is that|How far does it get|What distance is that>?",
                               "How far does a {w} go in {h} hours at {v} {u} per hour?"]), w=what, v=speed, u=unit, h=hours)
    return f"{what}|{speed}|{hours}|{unit}", ask, f"Each hour is {speed} {unit}, and there are {hours} hours: {speed} * {hours} = {speed * hours}.\nSo the distance is {speed * hours} {unit}."


def legs(rng):
    name, a, b = person(rng), rng.randint(2, 12), rng.randint(1, 12)
    x, y = rng.sample(KEPT, 2)
    per = {"hen": 2, "duck": 2, "bee": 6}
    p, q = per.get(x, 4), per.get(y, 4)
    ask = say(rng, rng.choice(["{name} has {a} and {b}. How many legs do <they|the animals> have <in total|altogether>?", "How many legs do {a} and {b} have <together|in total|altogether>?",
                               "On a farm there are {a} and {b}. How many legs is that <in total|altogether>?"]), name=name, a=count(a, x), b=count(b, y))
    t = a * p + b * q
    return f"{name}|{x}|{y}|{a}|{b}", ask, (f"{count(a, x)} with {p} legs each: {a} * {p} = {a * p}.\n{count(b, y)} with {q} legs each: {b} * {q} = {b * q}.\n"
                                     f"Together: {a * p} + {b * q} = {t}.\nSo there are {t} legs.")


def age(rng):
    name = person(rng)
    now, d = rng.randint(3, 60), rng.randint(2, 30)
    later = rng.random() < 0.6 or d >= now
    ask = say(rng, rng.choice(["{name} is {n} years old. How old will {name} be in {d} years?", "{name} is {n} <now|today>. How old is {name} in {d} years?"]) if later else
              rng.choice(["{name} is {n} years old. How old was {name} {d} years ago?", "{name} is {n} <now|today>. What age was {name} {d} years ago?"]), name=name, n=now, d=d)
    r = now + d if later else now - d
    return f"{name}|{now}|{d}|{later}", ask, f"{name} is {now} now.\n{d} years {'later' if later else 'ago'}: {now} {'+' if later else '-'} {d} = {r}.\nSo {name} {'will be' if later else 'was'} {r} years old."


_TASKS = [(gain_lose, 8), (groups, 5), (price, 5), (share, 4), (more_than, 5), (travel, 2), (legs, 2), (age, 2)]


def make(rng) -> Sample:
    task = rng.choices([t for t, _ in _TASKS], weights=[w for _, w in _TASKS])[0]
    params, ask, answer = task(rng)
    return Sample(FAMILY, f"{task.__name__}|{params}", ask, answer)
