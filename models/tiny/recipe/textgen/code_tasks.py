"""The named programming tasks. Each is `rng -> {name, does, params, py, rs}`; NAME stands for the function's name."""

STRUCT_FIELDS = {"name": ("str", "String"), "title": ("str", "String"), "author": ("str", "String"), "age": ("int", "u32"), "year": ("int", "u32"), "price": ("float", "f64"), "weight": ("float", "f64"),
                 "x": ("float", "f64"), "y": ("float", "f64"), "count": ("int", "u32"), "score": ("int", "u32"), "city": ("str", "String"), "email": ("str", "String"), "active": ("bool", "bool"), "speed": ("float", "f64"), "label": ("str", "String")}


def py_struct(name, fields):
    args = ", ".join(f"{f}: {STRUCT_FIELDS[f][0]}" for f in fields)
    return f"class {name}:\n    def __init__(self, {args}):\n" + "\n".join(f"        self.{f} = {f}" for f in fields)


def rust_struct(name, fields):
    rows = "\n".join(f"    {f}: {STRUCT_FIELDS[f][1]}," for f in fields)
    args = ", ".join(f"{f}: {STRUCT_FIELDS[f][1]}" for f in fields)
    return f"struct {name} {{\n{rows}\n}}\n\nimpl {name} {{\n    fn new({args}) -> Self {{\n        {name} {{ {', '.join(fields)} }}\n    }}\n}}"


def _task(name, does, py, rs, params=""):
    return dict(name=name, does=does, py=py, rs=rs, params=params)


def _fixed(name, does, py, rs):
    return lambda rng: _task(name, rng.choice(does) if isinstance(does, list) else does, py, rs)


def _char(rng):
    c = rng.choice("abcdefghijklmnopqrstuvwxyz")
    return _task(f"count_{c}", f"counts the letter {c} in a string", f"def NAME(text):\n    return text.count(\"{c}\")",
                 f"fn NAME(text: &str) -> usize {{\n    text.chars().filter(|&c| c == '{c}').count()\n}}", c)


def _remove_char(rng):
    c = rng.choice("abcdefghijklmnopqrstuvwxyz")
    return _task(f"remove_{c}", f"removes the letter {c} from a string", f"def NAME(text):\n    return text.replace(\"{c}\", \"\")",
                 f"fn NAME(text: &str) -> String {{\n    text.replace('{c}', \"\")\n}}", c)


def _add_n(rng):
    n = rng.randint(1, 99)
    return _task(f"add_{n}", f"adds {n} to a number", f"def NAME(x):\n    return x + {n}", f"fn NAME(x: i64) -> i64 {{\n    x + {n}\n}}", n)


def _mul_n(rng):
    n = rng.randint(2, 99)
    return _task(f"times_{n}", f"multiplies a number by {n}", f"def NAME(x):\n    return {n} * x", f"fn NAME(x: i64) -> i64 {{\n    {n} * x\n}}", n)


def _divisible(rng):
    n = rng.randint(2, 40)
    return _task(f"divisible_by_{n}", f"checks if a number is divisible by {n}", f"def NAME(x):\n    return x % {n} == 0", f"fn NAME(x: i64) -> bool {{\n    x % {n} == 0\n}}", n)


def _between(rng):
    a = rng.randint(0, 30)
    b = a + rng.randint(1, 70)
    return _task(f"between_{a}_and_{b}", f"checks if a number is between {a} and {b}", f"def NAME(x):\n    return {a} <= x <= {b}", f"fn NAME(x: i64) -> bool {{\n    ({a}..={b}).contains(&x)\n}}", f"{a},{b}")


def _clamp(rng):
    a = rng.randint(0, 30)
    b = a + rng.randint(1, 70)
    return _task("clamp", f"limits a number to the range {a} to {b}", f"def NAME(x):\n    return max({a}, min({b}, x))", f"fn NAME(x: i64) -> i64 {{\n    x.clamp({a}, {b})\n}}", f"{a},{b}")


def _fizz(rng):
    a, b = rng.sample(range(2, 12), 2)
    return _task("fizzbuzz", f"prints fizz for multiples of {a} and buzz for multiples of {b} up to n",
                 f"def NAME(n):\n    for i in range(1, n + 1):\n        word = \"\"\n        if i % {a} == 0:\n            word += \"fizz\"\n        if i % {b} == 0:\n            word += \"buzz\"\n        print(word or i)",
                 f"fn NAME(n: u32) {{\n    for i in 1..=n {{\n        match (i % {a} == 0, i % {b} == 0) {{\n            (true, true) => println!(\"fizzbuzz\"),\n            (true, false) => println!(\"fizz\"),\n            (false, true) => println!(\"buzz\"),\n            _ => println!(\"{{i}}\"),\n        }}\n    }}\n}}", f"{a},{b}")


def _repeat(rng):
    n = rng.randint(2, 20)
    return _task(f"repeat_{n}", f"repeats a string {n} times", f"def NAME(text):\n    return text * {n}", f"fn NAME(text: &str) -> String {{\n    text.repeat({n})\n}}", n)


def _first_n(rng):
    n = rng.randint(2, 20)
    return _task(f"first_{n}", f"returns the first {n} items of a list", f"def NAME(items):\n    return items[:{n}]", f"fn NAME(items: &[i64]) -> Vec<i64> {{\n    items.iter().take({n}).copied().collect()\n}}", n)


def _last_n(rng):
    n = rng.randint(2, 20)
    return _task(f"last_{n}", f"returns the last {n} items of a list", f"def NAME(items):\n    return items[-{n}:]", f"fn NAME(items: &[i64]) -> Vec<i64> {{\n    items[items.len().saturating_sub({n})..].to_vec()\n}}", n)


def _power(rng):
    n = rng.randint(2, 9)
    return _task(f"power_{n}", f"raises a number to the power {n}", f"def NAME(x):\n    return x ** {n}", f"fn NAME(x: i64) -> i64 {{\n    x.pow({n})\n}}", n)


def _table(rng):
    n = rng.randint(2, 20)
    return _task(f"table_of_{n}", f"prints the times table of {n} from 1 to 10", f"def NAME():\n    for i in range(1, 11):\n        print(i, \"*\", {n}, \"=\", i * {n})",
                 f"fn NAME() {{\n    for i in 1..=10 {{\n        println!(\"{{}} * {n} = {{}}\", i, i * {n});\n    }}\n}}", n)


def _starts(rng):
    c = rng.choice("abcdefghijklmnopqrstuvwxyz")
    return _task(f"starts_with_{c}", f"keeps the words that start with {c}", f"def NAME(words):\n    return [w for w in words if w.startswith(\"{c}\")]",
                 f"fn NAME(words: &[&str]) -> Vec<String> {{\n    words.iter().filter(|w| w.starts_with('{c}')).map(|w| w.to_string()).collect()\n}}", c)


def _longer(rng):
    n = rng.randint(2, 15)
    return _task(f"longer_than_{n}", f"keeps the words longer than {n} letters", f"def NAME(words):\n    return [w for w in words if len(w) > {n}]",
                 f"fn NAME(words: &[&str]) -> Vec<String> {{\n    words.iter().filter(|w| w.chars().count() > {n}).map(|w| w.to_string()).collect()\n}}", n)


NAMED = {
    "char": _char, "remove": _remove_char, "add": _add_n, "mul": _mul_n, "divisible": _divisible, "between": _between, "clamp": _clamp, "fizz": _fizz,
    "repeat": _repeat, "first": _first_n, "last": _last_n, "power": _power, "table": _table, "starts": _starts, "longer": _longer,
    "factorial": _fixed("factorial", ["computes the factorial of n", "returns the factorial of a number"], "def NAME(n):\n    result = 1\n    for i in range(2, n + 1):\n        result *= i\n    return result", "fn NAME(n: u64) -> u64 {\n    (1..=n).product()\n}"),
    "fibonacci": _fixed("fibonacci", ["returns the nth Fibonacci number", "computes the nth fibonacci number"], "def NAME(n):\n    a, b = 0, 1\n    for _ in range(n):\n        a, b = b, a + b\n    return a", "fn NAME(n: u32) -> u64 {\n    let (mut a, mut b) = (0, 1);\n    for _ in 0..n {\n        (a, b) = (b, a + b);\n    }\n    a\n}"),
    "prime": _fixed("is_prime", ["checks if a number is prime", "tells whether a number is prime"], "def NAME(n):\n    if n < 2:\n        return False\n    for i in range(2, int(n ** 0.5) + 1):\n        if n % i == 0:\n            return False\n    return True", "fn NAME(n: u64) -> bool {\n    n >= 2 && (2..).take_while(|i| i * i <= n).all(|i| n % i != 0)\n}"),
    "gcd": _fixed("gcd", ["computes the greatest common divisor of two numbers", "returns the gcd of two numbers"], "def NAME(a, b):\n    while b:\n        a, b = b, a % b\n    return a", "fn NAME(mut a: u64, mut b: u64) -> u64 {\n    while b != 0 {\n        (a, b) = (b, a % b);\n    }\n    a\n}"),
    "palindrome": _fixed("is_palindrome", ["checks if a string is a palindrome", "tells whether a word is a palindrome"], "def NAME(text):\n    return text == text[::-1]", "fn NAME(text: &str) -> bool {\n    text.chars().eq(text.chars().rev())\n}"),
    "reverse": _fixed("reverse_text", "reverses a string", "def NAME(text):\n    return text[::-1]", "fn NAME(text: &str) -> String {\n    text.chars().rev().collect()\n}"),
    "vowels": _fixed("count_vowels", "counts the vowels in a string", "def NAME(text):\n    return sum(1 for c in text if c in \"aeiou\")", "fn NAME(text: &str) -> usize {\n    text.chars().filter(|c| \"aeiou\".contains(*c)).count()\n}"),
    "words": _fixed("count_words", "counts the words in a string", "def NAME(text):\n    return len(text.split())", "fn NAME(text: &str) -> usize {\n    text.split_whitespace().count()\n}"),
    "upper": _fixed("to_upper", ["converts a string to upper case", "turns a string into capital letters"], "def NAME(text):\n    return text.upper()", "fn NAME(text: &str) -> String {\n    text.to_uppercase()\n}"),
    "average": _fixed("average", ["computes the average of a list of numbers", "returns the mean of a list of numbers"], "def NAME(numbers):\n    return sum(numbers) / len(numbers)", "fn NAME(numbers: &[f64]) -> f64 {\n    numbers.iter().sum::<f64>() / numbers.len() as f64\n}"),
    "sort": _fixed("sort_numbers", "sorts a list of numbers", "def NAME(numbers):\n    return sorted(numbers)", "fn NAME(numbers: &[i64]) -> Vec<i64> {\n    let mut sorted = numbers.to_vec();\n    sorted.sort();\n    sorted\n}"),
    "dedupe": _fixed("unique", ["removes duplicates from a list", "returns the unique items of a list"], "def NAME(items):\n    return list(dict.fromkeys(items))", "fn NAME(items: &[i64]) -> Vec<i64> {\n    let mut result = Vec::new();\n    for &item in items {\n        if !result.contains(&item) {\n            result.push(item);\n        }\n    }\n    result\n}"),
    "max2": _fixed("larger", ["returns the larger of two numbers", "finds the maximum of two numbers"], "def NAME(a, b):\n    return a if a > b else b", "fn NAME(a: i64, b: i64) -> i64 {\n    if a > b { a } else { b }\n}"),
    "add2": _fixed("add", ["adds two numbers", "returns the sum of two numbers"], "def NAME(a, b):\n    return a + b", "fn NAME(a: i64, b: i64) -> i64 {\n    a + b\n}"),
    "abs": _fixed("difference", "returns the absolute difference of two numbers", "def NAME(a, b):\n    return abs(a - b)", "fn NAME(a: i64, b: i64) -> i64 {\n    (a - b).abs()\n}"),
    "celsius": _fixed("to_fahrenheit", "converts Celsius to Fahrenheit", "def NAME(celsius):\n    return celsius * 9 / 5 + 32", "fn NAME(celsius: f64) -> f64 {\n    celsius * 9.0 / 5.0 + 32.0\n}"),
    "fahrenheit": _fixed("to_celsius", "converts Fahrenheit to Celsius", "def NAME(fahrenheit):\n    return (fahrenheit - 32) * 5 / 9", "fn NAME(fahrenheit: f64) -> f64 {\n    (fahrenheit - 32.0) * 5.0 / 9.0\n}"),
    "rectangle": _fixed("area", "computes the area of a rectangle", "def NAME(width, height):\n    return width * height", "fn NAME(width: f64, height: f64) -> f64 {\n    width * height\n}"),
    "circle": _fixed("circle_area", "computes the area of a circle", "import math\n\n\ndef NAME(radius):\n    return math.pi * radius ** 2", "fn NAME(radius: f64) -> f64 {\n    std::f64::consts::PI * radius * radius\n}"),
    "sumto": _fixed("sum_to", ["returns the sum of the numbers from 1 to n", "adds up all numbers from 1 to n"], "def NAME(n):\n    return n * (n + 1) // 2", "fn NAME(n: u64) -> u64 {\n    n * (n + 1) / 2\n}"),
    "digits": _fixed("digit_sum", ["returns the sum of the digits of a number", "adds up the digits of a number"], "def NAME(n):\n    return sum(int(d) for d in str(n))", "fn NAME(mut n: u64) -> u64 {\n    let mut sum = 0;\n    while n > 0 {\n        sum += n % 10;\n        n /= 10;\n    }\n    sum\n}"),
    "even": _fixed("is_even", "checks if a number is even", "def NAME(n):\n    return n % 2 == 0", "fn NAME(n: i64) -> bool {\n    n % 2 == 0\n}"),
    "leap": _fixed("is_leap_year", ["checks if a year is a leap year", "tells whether a year is a leap year"], "def NAME(year):\n    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)", "fn NAME(year: u32) -> bool {\n    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)\n}"),
    "frequency": _fixed("word_counts", "counts how often each word occurs in a text", "def NAME(text):\n    counts = {}\n    for word in text.split():\n        counts[word] = counts.get(word, 0) + 1\n    return counts", "use std::collections::HashMap;\n\nfn NAME(text: &str) -> HashMap<&str, usize> {\n    let mut counts = HashMap::new();\n    for word in text.split_whitespace() {\n        *counts.entry(word).or_insert(0) += 1;\n    }\n    counts\n}"),
    "search": _fixed("binary_search", "finds a number in a sorted list by binary search", "def NAME(numbers, target):\n    low, high = 0, len(numbers)\n    while low < high:\n        middle = (low + high) // 2\n        if numbers[middle] < target:\n            low = middle + 1\n        else:\n            high = middle\n    return low if low < len(numbers) and numbers[low] == target else None", "fn NAME(numbers: &[i64], target: i64) -> Option<usize> {\n    let (mut low, mut high) = (0, numbers.len());\n    while low < high {\n        let middle = (low + high) / 2;\n        if numbers[middle] < target {\n            low = middle + 1;\n        } else {\n            high = middle;\n        }\n    }\n    if low < numbers.len() && numbers[low] == target { Some(low) } else { None }\n}"),
}
