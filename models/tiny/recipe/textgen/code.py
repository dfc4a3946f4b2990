"""Small functions in Python or Rust from a description. The composed tasks (keep, change, combine the
numbers of a list) make the space large; the named tasks are what people ask for first."""

from .code_tasks import NAMED, STRUCT_FIELDS, py_struct, rust_struct
from .common import Sample, and_list, say

FAMILY = "code"

# name -> (words, Python condition, Rust condition, name part)
def _conditions(rng):
    n = rng.randint(2, 30)
    d = rng.randint(3, 12)
    return rng.choice([("", "", "", "all"), ("", "", "", "all"),
                       ("even", "x % 2 == 0", "x % 2 == 0", "even"), ("odd", "x % 2 != 0", "x % 2 != 0", "odd"),
                       ("positive", "x > 0", "x > 0", "positive"), ("negative", "x < 0", "x < 0", "negative"),
                       (f"greater than {n}", f"x > {n}", f"x > {n}", f"above_{n}"), (f"less than {n}", f"x < {n}", f"x < {n}", f"below_{n}"),
                       (f"divisible by {d}", f"x % {d} == 0", f"x % {d} == 0", f"multiples_of_{d}")])


def _changes(rng):
    n = rng.randint(2, 20)
    return rng.choice([("", "x", ""), ("", "x", ""), ("", "x", ""), ("squares", "x * x", "squared"), ("doubles", "2 * x", "doubled"), ("cubes", "x * x * x", "cubed"),
                       (f"plus {n}", f"x + {n}", f"plus_{n}"), (f"times {n}", f"{n} * x", f"times_{n}"), (f"minus {n}", f"x - {n}", f"minus_{n}")])


_ENDS = {"sum": ("the sum of", "sum({})", ".sum()", "i64"), "count": ("the number of", "", ".count()", "usize"), "max": ("the largest of", "max({})", ".max()", "Option<i64>"),
         "min": ("the smallest of", "min({})", ".min()", "Option<i64>"), "list": ("a list of", "[{}]", ".collect()", "Vec<i64>"), "product": ("the product of", "", ".product()", "i64")}


def _composed(rng):
    """(identity, description, Python body, Rust body, name, return type)"""
    cw, cp, cr, cn = _conditions(rng)
    mw, mp, mn = _changes(rng)
    end = rng.choice(list(_ENDS))
    if end == "count" and not cp:
        cw, cp, cr, cn = "even", "x % 2 == 0", "x % 2 == 0", "even"
    if end == "count":
        mw, mp, mn = "", "x", ""
    if end == "list" and not cp and not mw:
        mw, mp, mn = "squares", "x * x", "squared"
    noun = {"": "numbers", }.get(cw, f"{cw} numbers" if " " not in cw else f"numbers {cw}")
    head = _ENDS[end][0]
    what = f"{head} the {noun} in a list" if not mw else f"{head} the {mw} of the {noun} in a list" if " " not in mw else f"{head} the {noun} in a list, each {mw}"
    inner = f"{mp} for x in numbers" + (f" if {cp}" if cp else "")
    if end == "count":
        py = f"return sum(1 for x in numbers if {cp})"
    elif end == "product":
        py = f"result = 1\n    for x in numbers:\n" + (f"        if {cp}:\n            result *= {mp}\n" if cp else f"        result *= {mp}\n") + "    return result"
    elif end in ("max", "min"):
        py = f"return {end}(({inner}), default=None)" if mp != "x" or cp else f"return {end}(numbers, default=None)"
    elif end == "sum" and mp == "x" and not cp:
        py = "return sum(numbers)"
    else:
        py = "return " + _ENDS[end][1].format(inner)
    rs = "numbers\n        .iter()\n        .copied()"
    if cr:
        rs += f"\n        .filter(|&x| {cr})"
    if mp != "x":
        rs += f"\n        .map(|x| {mp})"
    rs += f"\n        {_ENDS[end][2]}"
    name = "_".join(p for p in (end, cn if cn != "all" else "", mn) if p)
    name = {"sum": "sum_numbers", "max": "max_number", "min": "min_number", "product": "product_of_numbers"}.get(name, name)
    return f"{end}|{cp}|{mp}", what, py, rs, name, _ENDS[end][3]


_NAME_VERBS = "get compute find calc make do run solve process handle my".split()
_NAME_NOUNS = "value values result numbers items total data answer thing list output helper".split()


def _given_name(rng):
    return f"{rng.choice(_NAME_VERBS)}_{rng.choice(_NAME_NOUNS)}" + (f"_{rng.randint(1, 9)}" if rng.random() < 0.2 else "")


_ASK = ["!Write a {lang} function that <returns|gives> {what}{named}.", "!Write a function in {lang} that <returns|computes> {what}{named}.", "!<Give|Show> me a {lang} function that returns {what}{named}.", "{lang} function that returns {what}{named}",
        "!Create a {lang} function {named2}to <get|compute|find> {what}.", "How do I <get|compute|find> {what} in {lang}{named}?", "I need a {lang} function {named2}that returns {what}.", "!Code a function that returns {what} in {lang}{named}.",
        "{lang}: function for {what}{named}", "!Make a {lang} function {named2}returning {what}.", "In {lang}, write a function that returns {what}{named}."]


def _answer(lang, code, name, what):
    fence = lang.lower()
    return f"```{fence}\n{code}\n```\nThe function `{name}` returns {what}."


def composed(rng):
    ident, what, py, rs, name, ret = _composed(rng)
    lang = rng.choice(["Python", "Rust"])
    given = rng.random() < 0.45
    if given:
        name = _given_name(rng)
    named = rng.choice([f" and call it {name}", f". Name it {name}", f", called {name}"]) if given else ""
    named2 = rng.choice([f"called {name} ", f"named {name} "]) if given else ""
    templates = [t for t in _ASK if not given or "{named" in t]
    ask = say(rng, rng.choice(templates), lang="{lang}", what="{what}", named="{named}", named2="{named2}")
    shown = lang if rng.random() < 0.75 else lang.lower()
    ask = ask.replace("{lang}", shown).replace("{what}", what).replace("{named2}", named2).replace("{named}", named)
    if lang == "Python":
        code = f"def {name}(numbers):\n    {py}"
    else:
        code = f"fn {name}(numbers: &[i64]) -> {ret} {{\n    {rs}\n}}"
    return f"{lang}|{given and name}|{ident}", ask, _answer(lang, code, name, what)


def named(rng):
    key = rng.choice(list(NAMED))
    lang = rng.choice(["Python", "Rust"])
    task = NAMED[key](rng)
    given = rng.random() < 0.5
    name = _given_name(rng) if given else task["name"]
    called = rng.choice([f" Name it {name}.", f" Call it {name}.", f" The name is {name}."]) if given else ""
    called2 = rng.choice([f"called {name} ", f"named {name} "]) if given and rng.random() < 0.5 else ""
    if called2:
        called = ""
    ask = say(rng, rng.choice(["!Write a {lang} function {c2}that {does}.{c}", "!Write a function {c2}in {lang} that {does}.{c}", "!<Give|Show> me a {lang} function {c2}that {does}.{c}", "{lang} function {c2}that {does}.{c}",
                               "I need a {lang} function {c2}that {does}.{c}", "!Code a {lang} function {c2}that {does}.{c}", "!Make a {lang} function {c2}that {does}.{c}", "In {lang}, write a function {c2}that {does}.{c}",
                               "Can I have a {lang} function {c2}that {does}?{c}", "!Implement a function {c2}that {does}. Use {lang}.{c}"]),
              lang=lang if rng.random() < 0.75 else lang.lower(), does=task["does"], c=called, c2=called2)
    code = task["py" if lang == "Python" else "rs"].replace("NAME", name)
    return f"{lang}|{given and name}|{key}|{task.get('params', '')}", ask, f"```{lang.lower()}\n{code}\n```\nThe function `{name}` {task['does']}."


def struct(rng):
    lang = rng.choice(["Python", "Rust"])
    name = rng.choice("Point Person Book Car Item Order User Player Ticket Planet Animal City Song Movie Recipe Event Box Circle Task Note".split())
    fields = rng.sample(list(STRUCT_FIELDS), rng.randint(2, 4))
    word = "class" if lang == "Python" else "struct"
    ask = say(rng, rng.choice(["!<Write|Make|Create|Give me> a {lang} {word} {name} with <the fields |fields |>{f}.", "!Define a {word} called {name} in {lang} with <the fields |fields |>{f}.", "{lang} {word} {name} with {f}", "I need a {lang} {word} named {name} with the fields {f}."]),
              lang=lang if rng.random() < 0.75 else lang.lower(), word=word, name=name, f=and_list(fields))
    code = py_struct(name, fields) if lang == "Python" else rust_struct(name, fields)
    return f"{lang}|{name}|{fields}", ask, f"```{lang.lower()}\n{code}\n```\nThe {word} `{name}` has the fields {and_list(fields)}."


_TASKS = [(composed, 50), (named, 38), (struct, 12)]


def make(rng) -> Sample:
    task = rng.choices([t for t, _ in _TASKS], weights=[w for _, w in _TASKS])[0]
    params, ask, answer = task(rng)
    return Sample(FAMILY, f"{task.__name__}|{params}", ask, answer)
