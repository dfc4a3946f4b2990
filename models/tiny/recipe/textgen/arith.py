"""Arithmetic with every step written out, so that each token follows from a few earlier ones."""

from .common import Sample, say

FAMILY = "arithmetic"
COLUMNS = ["Ones", "Tens", "Hundreds", "Thousands", "Ten thousands", "Hundred thousands"]


def add_columns(a: int, b: int) -> list[str]:
    """Column addition, one line per column."""
    lines, carry, i = [], 0, 0
    while a or b or carry or i == 0:
        x, y = a % 10, b % 10
        s = x + y + carry
        lines.append(f"{COLUMNS[i]}: {x} + {y} + {carry} = {s}, write {s % 10}, carry {s // 10}.")
        a, b, carry, i = a // 10, b // 10, s // 10, i + 1
    return lines


def sub_columns(a: int, b: int) -> list[str]:
    """Column subtraction for a >= b, one line per column of a."""
    lines, borrow, i = [], 0, 0
    while a or i == 0:
        x, y = a % 10, b % 10
        d = x - y - borrow
        if d < 0:
            lines.append(f"{COLUMNS[i]}: {x} - {y} - {borrow} is below 0, so {x + 10} - {y} - {borrow} = {d + 10}, write {d + 10}, borrow 1.")
            borrow = 1
        else:
            lines.append(f"{COLUMNS[i]}: {x} - {y} - {borrow} = {d}, write {d}, borrow 0.")
            borrow = 0
        a, b, i = a // 10, b // 10, i + 1
    return lines


def mul_digit(a: int, d: int) -> list[str]:
    """a times one digit, one line per digit of a."""
    lines, carry = [], 0
    digits = [int(c) for c in str(a)][::-1]
    for i, x in enumerate(digits):
        s = x * d + carry
        line = f"{x} * {d} + {carry} = {s}, "
        lines.append(line + (f"write {s}." if i == len(digits) - 1 else f"write {s % 10}, carry {s // 10}."))
        carry = s // 10
    return lines


def add_text(a, b):
    if a < 10 and b < 10:
        return f"{a} + {b} = {a + b}."
    return "\n".join([f"{a} + {b}", *add_columns(a, b), f"So {a} + {b} = {a + b}."])


def sub_text(a, b):
    if a < 10 and b < 10:
        return f"{a} - {b} = {a - b}."
    if a < b:
        return "\n".join([f"{a} is smaller than {b}, so the answer is below 0. First {b} - {a}:", *sub_columns(b, a),
                          f"{b} - {a} = {b - a}.", f"So {a} - {b} = -{b - a}."])
    return "\n".join([f"{a} - {b}", *sub_columns(a, b), f"So {a} - {b} = {a - b}."])


def mul_text(a, b):
    if a < 13 and b < 13 and (a < 11 or b < 11):
        return f"{a} * {b} = {a * b}."
    head = []
    x, y = a, b
    if len(str(a)) < len(str(b)):
        x, y = b, a
        head.append(f"{a} * {b} is the same as {x} * {y}.")
    if y < 10:
        lines = [f"{x} * {y}", *mul_digit(x, y)]
    elif y % 10 == 0:
        t = y // 10
        lines = [f"{x} * {y} is {x} * {t} with a zero.", f"{x} * {t}:", *mul_digit(x, t), f"{x} * {t} = {x * t}, with a zero {x * y}."]
    else:
        t, o = divmod(y, 10)
        p, q = x * o, x * t
        lines = [f"{x} * {y} = {x} * {o} + {x} * {t}0",
                 f"First {x} * {o}:", *mul_digit(x, o), f"{x} * {o} = {p}.",
                 f"Then {x} * {t}:", *mul_digit(x, t), f"{x} * {t} = {q}, so {x} * {t}0 = {q}0.",
                 f"Now {p} + {q}0:", *add_columns(p, q * 10)]
    return "\n".join(head + lines + [f"So {a} * {b} = {a * b}."])


def div_text(a, b):
    if b == 0:
        return f"Nothing can be divided by 0, so {a} / 0 has no answer."
    if a < b:
        return f"{a} is smaller than {b}.\nSo {a} / {b} = 0" + (f" remainder {a}." if a else ".")
    lines, r, first = [f"{a} / {b}"], 0, True
    for c in str(a):
        n = r * 10 + int(c)
        lines.append(("Start with " if first else f"Bring down {c}: ") + f"{n} / {b} = {n // b}, remainder {n % b}.")
        r, first = n % b, False
    q = f"{a // b}" + (f" remainder {r}" if r else "")
    return "\n".join(lines + [f"So {a} / {b} = {q}."])


_ASK = {
    "add": ["<What is|What's|whats|How much is|Whats> {a} <+|plus> {b}?", "{a} + {b}", "{a}+{b}", "{a} + {b} = ?", "{a}+{b}=",
            "!Add {a} and {b}.", "!Add {b} to {a}.", "!<Calculate|Compute|Work out|Solve|Find> {a} <+|plus> {b}.",
            "!<Calculate|Compute|Work out|Find> the sum of {a} and {b}.", "What do you get <if|when> you add {a} and {b}?",
            "What is the sum of {a} and {b}?", "!Show me how to add {a} and {b}.", "!Add {a} and {b}<, step by step| step by step|, showing each step>.",
            "{a} plus {b}", "What does {a} plus {b} <make|equal|give>?", "How do I add {a} and {b}?", "!<Give|Tell> me {a}+{b}.", "sum of {a} and {b}"],
    "sub": ["<What is|What's|whats|How much is> {a} <-|minus> {b}?", "{a} - {b}", "{a}-{b}", "{a} - {b} = ?", "{a}-{b}=",
            "!Subtract {b} from {a}.", "!Take {b} <away from|from> {a}.", "!<Calculate|Compute|Work out|Solve|Find> {a} <-|minus> {b}.",
            "What is the difference <between|of> {a} and {b}?", "!Show me how to subtract {b} from {a}.", "{a} minus {b}",
            "What is left if you take {b} from {a}?", "!Subtract {b} from {a}<, step by step|, showing each step| and show your work>.",
            "{a} take away {b}", "What does {a} minus {b} <make|equal|give>?"],
    "mul": ["<What is|What's|whats|How much is> {a} <*|times|x|multiplied by|×> {b}?", "{a} * {b}", "{a}*{b}", "{a} x {b}", "{a} × {b}", "{a} times {b}",
            "{a} * {b} = ?", "!Multiply {a} by {b}.", "!Multiply {a} and {b}.", "!<Calculate|Compute|Work out|Solve|Find> {a} <*|times|x|×> {b}.",
            "What is the product of {a} and {b}?", "!Find the product of {a} and {b}.", "!Multiply {a} by {b}<, step by step| and show the steps>.",
            "What do you get if you multiply {a} by {b}?", "!Show me how to multiply {a} by {b}."],
    "div": ["<What is|What's|whats|How much is> {a} </|divided by|÷|over> {b}?", "{a} / {b}", "{a}/{b}", "{a} ÷ {b}", "{a} divided by {b}", "{a} / {b} = ?",
            "!Divide {a} by {b}.", "!<Calculate|Compute|Work out|Solve|Find> {a} </|divided by|÷> {b}.",
            "How many times does {b} go into {a}?", "!Divide {a} by {b}<, step by step| with remainder| and show your work>.",
            "What do you get if you divide {a} by {b}?", "!Show me how to divide {a} by {b}."],
}


def _number(rng, most):
    """A number of 1 to `most` digits; each length about equally often, longer ones more."""
    n = rng.choices(range(1, most + 1), weights=[1, 3, 4, 4][:most])[0]
    return rng.randrange(0 if n == 1 else 10 ** (n - 1), 10**n)


def add(rng):
    a, b = _number(rng, 4), _number(rng, 4)
    return f"{a}|{b}", say(rng, rng.choice(_ASK["add"]), a=a, b=b), add_text(a, b)


def sub(rng):
    a, b = _number(rng, 4), _number(rng, 4)
    if a < b and rng.random() < 0.8:
        a, b = b, a
    return f"{a}|{b}", say(rng, rng.choice(_ASK["sub"]), a=a, b=b), sub_text(a, b)


def mul(rng):
    a, b = _number(rng, 3), _number(rng, 2)
    if rng.random() < 0.25:
        a, b = b, a
    return f"{a}|{b}", say(rng, rng.choice(_ASK["mul"]), a=a, b=b), mul_text(a, b)


def div(rng):
    b = 0 if rng.random() < 0.01 else rng.randint(2, 12)
    a = _number(rng, 4)
    if rng.random() < 0.4 and b:
        a -= a % b
    return f"{a}|{b}", say(rng, rng.choice(_ASK["div"]), a=a, b=b), div_text(a, b)


def chain(rng):
    """Two operations on small numbers; products before sums."""
    a, b, c = (rng.randint(1, 50) for _ in range(3))
    kind = rng.randrange(4)
    if kind == 0:
        expr, steps, value = f"{a} + {b} + {c}", [f"{a} + {b} = {a + b}", f"{a + b} + {c} = {a + b + c}"], a + b + c
    elif kind == 1:
        c = rng.randint(1, a + b)
        expr, steps, value = f"{a} + {b} - {c}", [f"{a} + {b} = {a + b}", f"{a + b} - {c} = {a + b - c}"], a + b - c
    else:
        a, b = rng.randint(2, 12), rng.randint(2, 10)
        if kind == 2:
            expr, steps, value = f"{a} * {b} + {c}", [f"{a} * {b} = {a * b}", f"{a * b} + {c} = {a * b + c}"], a * b + c
        else:
            expr, steps, value = f"{c} + {a} * {b}", [f"{a} * {b} = {a * b}", f"{c} + {a * b} = {c + a * b}"], c + a * b
    shown = expr.replace(" ", "") if rng.random() < 0.25 else expr
    ask = say(rng, rng.choice(["What is {e}?", "{e}", "{e} = ?", "!<Calculate|Compute|Work out|Solve|Evaluate> {e}.", "How much is {e}?", "whats {e}"]), e=shown)
    return expr, ask, f"First {steps[0]}.\nThen {steps[1]}.\nSo {expr} = {value}."


def compare(rng):
    a = _number(rng, 4)
    b = _number(rng, 4) if rng.random() < 0.5 else max(0, a + rng.randint(-30, 30))
    big = rng.random() < 0.6
    word = "<bigger|larger|greater>" if big else "<smaller|less>"
    ask = say(rng, rng.choice([f"Which <number |>is {word}, {{a}} or {{b}}?", f"Which is {word}: {{a}} or {{b}}?", f"!Tell me which is {word}, {{a}} or {{b}}.",
                               f"Of the two numbers {{a}} and {{b}}, which is {word}?", f"what is {word}, {{a}} or {{b}}"]), a=a, b=b)
    if a == b:
        answer = f"{a} and {b} are equal."
    else:
        high, low = max(a, b), min(a, b)
        answer = f"{high} is larger than {low}, so the larger number is {high}." if big else f"{low} is smaller than {high}, so the smaller number is {low}."
    return f"{a}|{b}|{big}", ask, answer


def parity(rng):
    n = _number(rng, 4)
    ask = say(rng, rng.choice(["Is {n} <even or odd|odd or even>?", "Is {n} <an even|an odd> number?", "!Tell me <if|whether> {n} is even or odd.", "{n}: even or odd?", "Is the number {n} even?", "is {n} odd"]), n=n)
    word = "even" if n % 2 == 0 else "odd"
    return str(n), ask, f"The last digit of {n} is {n % 10}, and {n % 10} is {word}. So {n} is {word}."


def sequence(rng):
    step, start, n = rng.randint(1, 12), rng.randint(0, 40), rng.randint(3, 5)
    if rng.random() < 0.3:
        start, step = start + step * n, -step
    items = [start + step * i for i in range(n)]
    nxt = items[-1] + step
    ask = say(rng, rng.choice(["What comes next: {s}?", "What <is the next number|number comes next> in <the sequence |the series |>{s}?", "!Continue the <sequence|series|pattern>: {s}", "{s}, ... what is next?",
                               "!Find the next number: {s}", "Which number follows {s}?", "next number after {s}"]), s=", ".join(map(str, items)))
    if step > 0:
        answer = f"Each number is {step} more than the one before.\n{items[-1]} + {step} = {nxt}.\nThe next number is {nxt}."
    else:
        answer = f"Each number is {-step} less than the one before.\n{items[-1]} - {-step} = {nxt}.\nThe next number is {nxt}."
    return f"{start}|{step}|{n}", ask, answer


def percent(rng):
    p = rng.choice([10, 20, 25, 50])
    d = 100 // p
    n = d * rng.randint(1, 250)
    ask = say(rng, rng.choice(["What is {p}% of {n}?", "What is {p} percent of {n}?", "{p}% of {n}", "!<Calculate|Work out|Find> {p}% of {n}.", "How much is {p}% of {n}?", "{p} percent of {n}?"]), p=p, n=n)
    body = div_text(n, d).split("\n")
    lines = [f"{p}% is one part in {d}, so divide {n} by {d}.", *body[:-1], f"So {p}% of {n} is {n // d}."]
    return f"{p}|{n}", ask, "\n".join(lines)


def square(rng):
    n = rng.randint(1, 99)
    ask = say(rng, rng.choice(["What is {n} squared?", "What is the square of {n}?", "{n} squared", "{n}^2", "!<Calculate|Compute|Work out> {n} squared.", "!Square {n}.", "How much is {n} squared?"]), n=n)
    return str(n), ask, f"{n} squared is {n} * {n}.\n{mul_text(n, n)}"


_TASKS = [(add, 22), (sub, 18), (mul, 26), (div, 16), (chain, 9), (compare, 4), (parity, 3), (sequence, 5), (percent, 4), (square, 2)]


def make(rng) -> Sample:
    task = rng.choices([t for t, _ in _TASKS], weights=[w for _, w in _TASKS])[0]
    params, ask, answer = task(rng)
    return Sample(FAMILY, f"{task.__name__}|{params}", ask, answer)
