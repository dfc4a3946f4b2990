"""Checks the generator's answers by other means: equations are evaluated, lists recomputed, JSON parsed,
Python run and Rust compiled (with `rustc`, if there is one). Also that no identity crosses the split."""

import argparse
import ast
import json
import random
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import textgen
from textgen.common import is_held_out, plain

_EQUATION = re.compile(r"(?<![\d*+/-] )(\d+(?: [-+*] \d+)+) = (-?\d+)(?!\d)(?! [-+*/] \d)")
_DIVISION = re.compile(r"(\d+) / (\d+) = (\d+)(?:,? remainder (\d+))?")


def equations(text):
    for left, right in _EQUATION.findall(text):
        assert eval(left) == int(right), f"{left} = {right}"
    for a, b, q, r in _DIVISION.findall(text):
        assert divmod(int(a), int(b)) == (int(q), int(r or 0)), f"{a} / {b} = {q} r {r}"


def check_arithmetic(s, answer):
    equations(answer)
    task, *params = s.identity.split("|")
    if task in ("add", "sub", "mul"):
        a, b = map(int, params)
        want = {"add": a + b, "sub": a - b, "mul": a * b}[task]
        assert answer.endswith(f"= {want}."), (s.user, answer)
        assert params[0] in s.user and params[1] in s.user
    elif task == "div" and params[1] != "0":
        q, r = divmod(int(params[0]), int(params[1]))
        assert answer.endswith(f"= {q} remainder {r}." if r else f"= {q}."), answer
    elif task == "chain":
        assert answer.endswith(f"= {eval(params[0])}."), answer
    elif task == "percent":
        assert answer.endswith(f"is {int(params[0]) * int(params[1]) // 100}."), answer
    elif task == "square":
        assert answer.endswith(f"= {int(params[0]) ** 2}."), answer


def check_word_problem(s, answer):
    equations(answer)
    steps = re.findall(r"= (\d+)(?: remainder (\d+))?\.", answer)
    last = answer.split("\n")[-1]
    assert steps[-1][0] in re.findall(r"\d+", last), answer
    if s.task == "gain_lose":
        start, *changes = ast.literal_eval(s.identity.rsplit("|", 1)[1])
        assert str(start + sum(changes)) in last, answer
    for n in re.findall(r"\d+", s.user):
        assert n in answer, (s.user, answer)


def check_list(s, answer):
    task, _, rest = s.identity.partition("|")
    last = answer.split("\n")[-1]
    tail = last.split(": ", 1)[-1].rstrip(".")
    join = lambda xs: ", ".join(map(str, xs))
    if task in ("sort_numbers", "sort_words", "extreme", "pick", "evens"):
        how, _, items = rest.partition("|")
        xs = ast.literal_eval(items)
        if task.startswith("sort"):
            assert tail == join(sorted(xs, reverse=how == "True")), answer
        elif task == "extreme":
            assert last.endswith(f" {max(xs) if how == 'True' else min(xs)}."), answer
        elif task == "evens":
            want = [x for x in xs if x % 2 == (how == "odd")]
            assert (tail == join(want)) if want else "None" in last, answer
            assert re.findall(r"(\d+) is (odd|even)", answer) == [(str(x), ("even", "odd")[x % 2]) for x in xs], answer
    elif task == "reverse_list":
        assert tail == join(ast.literal_eval(rest)[::-1]), answer
    elif task == "count_items":
        assert f" {len(ast.literal_eval(rest))} items" in last, answer
    elif task == "total":
        equations(answer)
        assert last == f"The sum is {sum(ast.literal_eval(rest))}.", answer
    elif task == "dedupe":
        xs = ast.literal_eval(rest)
        assert tail == join(sorted(set(xs), key=xs.index)), answer
    elif task == "reverse_word":
        assert last == f"The reversed word is {rest[::-1]}.", answer
    elif task == "count_letters":
        assert f" {len(rest)} letters" in last, answer
    elif task == "count_letter":
        w, c = rest.split("|")
        assert last.endswith(" once." if w.count(c) == 1 else f" {w.count(c)} times."), answer
    elif task == "vowels":
        n = sum(c in "aeiou" for c in rest)
        assert last == (f"That makes {n}." if n else "There are no vowels."), answer
    elif task == "count_words":
        assert f" {len(rest.split())} words" in last, answer


def check_json(s, answer):
    if answer.startswith("```json"):
        value = json.loads(answer.removeprefix("```json\n").removesuffix("\n```"))
        if s.task in ("to_json", "list_to_json"):
            for v in value.values() if isinstance(value, dict) else value:
                assert str(v) in s.user, (s.user, answer)
        if s.task == "records":
            assert all(r["name"] in s.user and str(r["age"]) in s.user for r in value)
    elif s.task == "from_json":
        found = json.loads(s.user[s.user.index("{") : s.user.rindex("}") + 1])
        assert all(str(v) in answer for v in found.values()), answer


def _independent(identity):
    """What a composed task should give, from its identity: end, condition, change."""
    end, cond, change = identity.split("|")[-3:]
    keep = lambda x: eval(cond, {"x": x}) if cond else True

    def run(xs):
        ys = []
        for x in xs:
            if keep(x):
                ys.append(eval(change, {"x": x}))
        if end == "product":
            p = 1
            for y in ys:
                p *= y
            return p
        return {"sum": sum, "count": len, "list": list, "max": lambda v: max(v, default=None), "min": lambda v: min(v, default=None)}[end](ys)

    return run


def check_code(s, answer, rust):
    lang, code = re.match(r"```(python|rust)\n(.*?)\n```", answer, re.S).groups()
    if lang == "rust":
        rust.append(code)
        return
    scope = {}
    exec(code, scope)
    if s.task == "composed":
        name = re.search(r"def (\w+)", code)[1]
        for xs in ([], [1, 2, 3, 4, 5], [-6, 0, 7, 12, 12, 30, -33, 60]):
            assert scope[name](list(xs)) == _independent(s.identity)(xs), code


def check_rust(snippets):
    if not shutil.which("rustc"):
        return "rustc not found: Rust not checked"
    with tempfile.TemporaryDirectory() as d:
        source = "#![allow(dead_code, unused)]\n" + "\n".join(f"mod m{i} {{\n{c}\n}}" for i, c in enumerate(snippets))
        (Path(d) / "all.rs").write_text(source)
        r = subprocess.run(["rustc", "--edition", "2021", "--crate-type", "lib", "--emit", "metadata", "all.rs"], cwd=d, capture_output=True, text=True)
        assert r.returncode == 0, r.stderr[:3000]
    return f"{len(snippets)} Rust snippets compile"


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--per-family", type=int, default=4000)
    p.add_argument("--seed", type=int, default=99)
    a = p.parse_args()
    rng, rust = random.Random(a.seed), []
    checks = {"arithmetic": check_arithmetic, "word_problems": check_word_problem, "lists": check_list, "json": check_json, "code": lambda s, t: check_code(s, t, rust)}
    for family in textgen.FAMILIES:
        asked, answers, tasks = set(), set(), {}
        for _ in range(a.per_family):
            s = textgen.draw(rng, family, rng.random() < 0.5)
            text = plain(s.answer)
            assert "<" not in s.user or family == "json", f"unexpanded choice: {s.user!r}"
            assert "{" not in text or family in ("json", "code"), f"unfilled slot: {text!r}"
            assert "{" not in s.user or family == "json", f"unfilled slot: {s.user!r}"
            if family in checks:
                checks[family](s, text)
            asked.add(s.identity)
            answers.add(text)
            tasks[s.task] = tasks.get(s.task, 0) + 1
        print(f"{family}: {a.per_family} drawn, {len(asked)} identities, {len(answers)} answers, {sum(map(is_held_out, asked))} held out, tasks {tasks}")
    print(check_rust(list(dict.fromkeys(rust))[:400]))


if __name__ == "__main__":
    main()
