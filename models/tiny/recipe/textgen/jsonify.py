"""Sentences into JSON and JSON into sentences, over small fixed schemas, and small edits of objects."""

import json

from .common import Sample, and_list, expand, say
from .words import ADJECTIVES, ANIMALS, CITIES, COLOURS, DAYS, FOODS, HOBBIES, JOBS, LIST_WORDS, MONTHS, THINGS, invented, person

FAMILY = "json"


def dump(value) -> str:
    """The one way JSON is written here: two spaces, one key a line, short lists on one line."""
    if isinstance(value, dict):
        rows = [f'  {json.dumps(k)}: {dump(v)}' for k, v in value.items()]
        return "{\n" + ",\n".join(rows) + "\n}"
    if isinstance(value, list):
        return "[" + ", ".join(dump(v) for v in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def _city(rng):
    return invented(rng, 2, 3).capitalize() if rng.random() < 0.1 else rng.choice(CITIES)


def _time(rng):
    return f"{rng.randint(6, 22)}:{rng.choice(['00', '15', '30', '45'])}"


def _date(rng):
    return f"{rng.randint(1, 28)} {rng.choice(MONTHS)}"


def _title(rng):
    return f"The {rng.choice(ADJECTIVES).capitalize()} {rng.choice(ANIMALS + THINGS).capitalize()}"


# Each schema: field -> how to draw it; sentences that mention the fields; and the one sentence back.
SCHEMAS = {
    "person": (dict(name=person, age=lambda r: r.randint(4, 95), job=lambda r: r.choice(JOBS), city=_city),
               ["{name} is {age} years old, works as a {job} and lives in {city}.", "{name}, {age}, is a {job} in {city}.", "{name} is a {job} from {city}<, aged| and is> {age}.",
                "My friend {name} lives in {city}. <The {job}|{name}, a {job},> is {age} years old.", "In {city} lives {name}, a {job} of {age} years.", "I met {name}, who is {age}, lives in {city} and works as a {job}."],
               "{name} is {age} years old, works as a {job} and lives in {city}."),
    "resident": (dict(name=person, age=lambda r: r.randint(4, 95), city=_city),
                 ["{name} is {age} years old and lives in {city}.", "{name}, {age}, lives in {city}.", "{name} from {city} is {age}<| years old>.", "In {city} lives {name}, who is {age}.", "My name is {name}, I am {age} and I live in {city}."],
                 "{name} is {age} years old and lives in {city}."),
    "fan": (dict(name=person, hobby=lambda r: r.choice(HOBBIES), food=lambda r: r.choice(FOODS), colour=lambda r: r.choice(COLOURS)),
            ["{name} likes {hobby}, {food} and the colour {colour}.", "The hobby of {name} is {hobby}, the favourite food is {food} and the favourite colour is {colour}.", "{name} enjoys {hobby}, eats {food} and loves {colour}."],
            "{name} likes {hobby}, {food} and the colour {colour}."),
    "pet": (dict(name=person, animal=lambda r: r.choice(ANIMALS), colour=lambda r: r.choice(COLOURS), age=lambda r: r.randint(1, 20)),
            ["{name} is a {colour} {animal}, {age} years old.", "The {animal} {name} is {colour} and {age} years old.", "{name}, a {age} year old {animal}, is {colour}.", "We have a {colour} {animal} called {name}, aged {age}."],
            "{name} is a {colour} {animal}, {age} years old."),
    "product": (dict(product=lambda r: r.choice(THINGS), colour=lambda r: r.choice(COLOURS), price=lambda r: r.randint(1, 250), quantity=lambda r: r.randint(1, 60)),
                ["We have {quantity} of the {colour} {product} at {price} dollars each.", "The {colour} {product} costs {price} dollars, and there are {quantity} in stock.", "{quantity} pieces of a {colour} {product}, {price} dollars each.", "Order {quantity} of the {product} in {colour} for {price} dollars each."],
                "The {colour} {product} costs {price} dollars, and there are {quantity} in stock."),
    "event": (dict(event=lambda r: r.choice("meeting concert party lesson match lecture picnic workshop dinner wedding".split()), day=lambda r: r.choice(DAYS), time=_time, place=_city),
              ["The {event} is on {day} at {time} in {place}.", "There is a {event} in {place} on {day} at {time}.", "On {day} at {time} there is a {event} in {place}.", "Come to the {event} in {place}, {day}, {time}."],
              "The {event} is on {day} at {time} in {place}."),
    "booking": (dict(name=person, guests=lambda r: r.randint(1, 12), date=_date, time=_time),
                ["{name} booked a table for {guests} on {date} at {time}.", "A table for {guests} on {date} at {time}, name {name}.", "Please book a table for {guests} under the name {name} on {date} at {time}.", "On {date} at {time}, {name} comes with a party of {guests}."],
                "{name} booked a table for {guests} on {date} at {time}."),
    "weather": (dict(city=_city, day=lambda r: r.choice(DAYS), temperature=lambda r: r.randint(-12, 38), sky=lambda r: r.choice("sunny cloudy rainy snowy windy foggy stormy clear".split())),
                ["On {day} it is {sky} in {city} with {temperature} degrees.", "{city} on {day}: {sky}, {temperature} degrees.", "It will be {sky} and {temperature} degrees in {city} on {day}."],
                "On {day} it is {sky} in {city} with {temperature} degrees."),
    "book": (dict(title=_title, author=lambda r: f"{person(r)} {invented(r, 2, 2).capitalize()}", year=lambda r: r.randint(1850, 2025), pages=lambda r: r.randint(40, 900)),
             ["{title} by {author} was published in {year} and has {pages} pages.", "{author} wrote {title} in {year}. It has {pages} pages.", "In {year}, {author} published {title}, a book of {pages} pages."],
             "{title} by {author} was published in {year} and has {pages} pages."),
    "trip": (dict(name=person, origin=_city, destination=_city, day=lambda r: r.choice(DAYS)),
             ["{name} travels from {origin} to {destination} on {day}.", "On {day}, {name} goes from {origin} to {destination}.", "{name} leaves {origin} for {destination} on {day}."],
             "{name} travels from {origin} to {destination} on {day}."),
}


def _fields(rng, schema):
    return {k: draw(rng) for k, draw in SCHEMAS[schema][0].items()}


def _put(template, fields):
    for k, v in fields.items():
        template = template.replace("{" + k + "}", str(v))
    return template


def fenced(value) -> str:
    return "```json\n" + dump(value) + "\n```"


def _written(rng, value):
    """An object as people paste it."""
    return json.dumps(value, ensure_ascii=False) if rng.random() < 0.6 else dump(value)


def to_json(rng):
    """Sentence into JSON; keys given (any subset and order) or left to the schema."""
    schema = rng.choice(list(SCHEMAS))
    fields = _fields(rng, schema)
    text = _put(expand(rng, rng.choice(SCHEMAS[schema][1])), fields)
    keys = list(fields)
    if rng.random() < 0.5:
        rng.shuffle(keys)
        keys = keys[: rng.randint(min(2, len(keys)), len(keys))]
        ask = rng.choice(["!<Turn|Convert|Put|Rewrite> this <sentence |text |>into JSON with the keys {k}: {s}", "!<Extract|Get> {k} <from this sentence|from this> as JSON: {s}", "!<Write|Give me> <a JSON object|JSON> with <the keys |the fields |>{k} for: {s}",
                          "{s} <Write|Give me|Return> this as JSON with keys {k}.", "!Make JSON with {k} from this: {s}"])
        order = ",".join(keys)
    else:
        ask = rng.choice(["!<Turn|Convert|Change|Put|Rewrite|Transform> this <sentence |text |>into JSON: {s}", "!<Write|Give|Return|Express> this <sentence |text |>as <JSON|a JSON object>: {s}", "{s} <Convert|Turn> <this|that|it> <to|into> JSON.", "!Make <JSON|a JSON object> from this sentence: {s}",
                          "json for: {s}", "What does this look like as JSON? {s}", "{s} <As JSON, please.|as json|Write it as JSON.>", "!Convert to JSON: {s}", "!Extract the data as JSON: {s}"])
        order = "*"
    return f"{schema}|{order}|{fields}", say(rng, ask, s=text, k=and_list(keys)), fenced({k: fields[k] for k in keys})


def from_json(rng):
    schema = rng.choice(list(SCHEMAS))
    fields = _fields(rng, schema)
    ask = rng.choice(["!<Turn|Convert|Change|Put> this JSON <into|to> <a sentence|plain English|text|words>: {j}", "!Write a sentence <for|from|about> this JSON: {j}", "!Describe this <JSON|object> in <a sentence|one sentence|words>: {j}", "{j} Write this as a sentence.",
                      "What does this JSON say? {j}", "!Say this in a sentence: {j}", "json to sentence: {j}", "!Explain this JSON in plain words: {j}"])
    return f"{schema}|{fields}", say(rng, ask, j=_written(rng, fields)), _put(SCHEMAS[schema][2], fields)


def lookup(rng):
    fields = _fields(rng, rng.choice(list(SCHEMAS)))
    key = rng.choice(list(fields))
    ask = rng.choice(["What is the {k} in {j}?", "What is the value of {k} in this JSON: {j}", "!<Get|Read|Give me|Find> the {k} <from|in> this <JSON|object>: {j}", "{j} What is the {k}?", "!Look up {k} in {j}"])
    return f"{key}|{fields}", say(rng, ask, k=key, j=_written(rng, fields)), f"The {key} is {fields[key]}."


def edit(rng):
    fields = _fields(rng, rng.choice(list(SCHEMAS)))
    key = rng.choice(list(fields))
    new = dict(fields)
    kind = rng.randrange(3)
    if kind == 0:
        del new[key]
        ask, val = rng.choice(["!Remove <the key |the field |>{k} from <this JSON|this object|>: {j}", "!Delete {k} from this JSON: {j}", "!Drop the {k}: {j}"]), None
    elif kind == 1:
        schema = next(s for s in SCHEMAS if list(SCHEMAS[s][0]) == list(fields))
        val = new[key] = SCHEMAS[schema][0][key](rng)
        ask = rng.choice(["!<Change|Set|Update> <the |>{k} to {v} in this JSON: {j}", "!Set {k} to {v}: {j}", "{j} Change the {k} to {v}.", "!Replace the {k} with {v}: {j}"])
    else:
        key = rng.choice(["note", "size", "status", "kind", "label", "group"])
        val = new[key] = rng.choice(LIST_WORDS)
        ask = rng.choice(["!Add <the key |a field |a key |>{k} with <the value |value |>{v} to this JSON: {j}", "!Add {k} = {v} to {j}", "{j} Add {k} {v}."])
    return f"{kind}|{key}|{val}|{fields}", say(rng, ask, k=key, v=val, j=_written(rng, fields)), fenced(new)


def list_to_json(rng):
    pool = rng.choice([FOODS, ANIMALS, COLOURS, THINGS, CITIES])
    xs = rng.sample(pool, rng.randint(2, 6)) if rng.random() < 0.75 else [rng.randint(0, 99) for _ in range(rng.randint(3, 7))]
    shown = and_list(xs) if rng.random() < 0.6 else ", ".join(map(str, xs))
    ask = rng.choice(["!<Turn|Convert|Put|Make> this list <into|to> <JSON|a JSON list|a JSON array>: {s}", "!<Write|Give> {s} as a JSON <list|array>.", "{s} as <a |>JSON <list|array>", "!Make a JSON <list|array> <of|from|with> {s}."])
    return f"{xs}", say(rng, ask, s=shown), fenced(xs)


def list_from_json(rng):
    pool = rng.choice([FOODS, ANIMALS, COLOURS, THINGS, CITIES])
    xs = rng.sample(pool, rng.randint(2, 6))
    ask = rng.choice(["!<Turn|Convert> this JSON <list|array> into <a sentence|words|plain English|text>: {s}", "What <items are|is> in this JSON <list|array>: {s}", "!Write this JSON <list|array> as <a sentence|words>: {s}"])
    return f"{xs}", say(rng, ask, s=json.dumps(xs)), f"The list holds {len(xs)} items: {and_list(xs)}."


def records(rng):
    """Several people into a list of objects."""
    n = rng.randint(2, 3)
    rows = [{"name": person(rng), "age": rng.randint(4, 95)} for _ in range(n)]
    text = and_list(f"{r['name']} is {r['age']}" for r in rows) + "."
    ask = rng.choice(["!<Turn|Convert|Put> this into <a JSON list|JSON|a list of JSON objects>: {s}", "!Make a JSON list of people: {s}", "{s} As a JSON list, please."])
    body = "```json\n[\n" + ",\n".join(f'  {{"name": {json.dumps(r["name"])}, "age": {r["age"]}}}' for r in rows) + "\n]\n```"
    return f"{rows}", say(rng, ask, s=text), body


_TASKS = [(to_json, 42), (from_json, 22), (lookup, 8), (edit, 10), (list_to_json, 8), (list_from_json, 4), (records, 5)]


def make(rng) -> Sample:
    task = rng.choices([t for t, _ in _TASKS], weights=[w for _, w in _TASKS])[0]
    params, ask, answer = task(rng)
    return Sample(FAMILY, f"{task.__name__}|{params}", ask, answer)
