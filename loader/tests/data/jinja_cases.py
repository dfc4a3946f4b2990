"""Writes jinja_cases.json: what Python's Jinja2 (3.1.6), set up as transformers sets it up, makes of some templates.

Run in this folder: python3 jinja_cases.py
"""
import json

import jinja2.ext
from jinja2.sandbox import ImmutableSandboxedEnvironment

TOOLS = [{"z": 1, "a": [1.0, 1e20, -2.5e-7, True, None], "t": "é<>&\"\\\n\t\x01\u2028👩‍🚀", "e": {}, "l": [],
          "n": {"k": [[]]}}]
MESSAGES = [{"role": "user", "content": "hé"}, {"role": "assistant", "content": "yo\n"}]
TEMPLATES = [
    "{{ none }} {{ true }} {{ false }} {{ tools is none }} {{ bos_token }}|{{ nope }}|{{ enable_thinking is defined }}",
    "{{ 1.0 }} {{ 1e16 }} {{ 1e15 }} {{ 0.0001 }} {{ 0.00001 }} {{ -1.5e-7 }} {{ 123456789.123 }} {{ 3 / 2 }} {{ 7 // 2 }} {{ 1e300 * 10 }} {{ 0.0 }} {{ -0.0 }} {{ 5e-324 }}",
    "{{ tools | tojson }}",
    "{{ tools | tojson(indent=2) }}",
    "{{ tools | tojson(indent=0) }}",
    "{{ tools | tojson(indent='\t') }}",
    "{{ tools | tojson(ensure_ascii=true) }}",
    "{{ tools | tojson(separators=(',', ':')) }}",
    "{{ tools | tojson(sort_keys=true) }}",
    "{{ ['a', none, 1, true, 'it\\'s'] }} {{ {'k': 'v', 'n': none} }} {{ (1, 2) }} {{ [] }} {{ 'a' ~ none ~ 1.5 ~ true }}",
    "{% for m in messages %}\n  {% if loop.first %}\n    first {{ m.content }}\n  {% endif %}\n{% endfor %}\nend\n",
    "{% for m in messages %}{% if loop.index0 == 1 %}{% break %}{% endif %}{{ m.role }}{% endfor %}",
    "{{ ' a b '.strip() }}|{{ 'a,b,,c'.split(',') }}|{{ 'a b  c'.split() }}|{{ 'xxaxx'.strip('x') }}|{{ 'abc'.replace('b', 'é') }}|{{ 'aXb'.title() }}|{{ 'a'.upper() }}|{{ 'abc'[1:] }}|{{ 'abc'[::-1] }}|{{ 'abc'[-1] }}",
    "{{ messages | length }} {{ messages[-1].role }} {{ messages[1:] | map(attribute='content') | list }} {{ messages | selectattr('role', 'equalto', 'user') | list | length }}",
    "{% set ns = namespace(x=0) %}{% for m in messages %}{% set ns.x = ns.x + 1 %}{% endfor %}{{ ns.x }}",
    "{% macro f(a, b=2) %}[{{ a }}{{ b }}]{% endmacro %}{{ f(1) }}{{ f(1, b=3) }}",
    "{{ messages[0].get('x', 'd') }} {{ messages[0]['content'] }} {{ 'content' in messages[0] }} {{ messages[0] is mapping }} {{ messages is iterable }} {{ messages[0].content is string }}",
    "a\r\nb\rc\n",
    "x {#- comment -#} y\n{# c #}\nz",
    "{{ 'a' if none else 'b' }} {{ messages[5] is defined }} {{ messages[0].zzz is defined }} {{ messages[0].zzz or 'dflt' }} {{ x | default('q') }}",
    "{{ 'é<>&' | e }}|{{ 'a\nb' | indent(2) }}|{{ ' x ' | trim }}|{{ ['a', 'b'] | join(', ') }}|{{ 'abc' | upper }}|{{ [3,1,2] | sort }}|{{ [1,2] | first }}",
    "{{ add_generation_prompt }} {{ documents is none }} {{ add_generation_prompt is true }} {{ 1 is true }}",
    "{% if messages[0].role == 'user' and not tools[0].e %}yes{% endif %}{{ 'x\\ny' }}",
    "{{ 'a\\tb' }}{{ \"\\u00e9\" }}{{ '\\x41' }}",
    "  {%+ if true %}a{% endif %}  \n  {%- if true -%}  b  {%- endif %}\n\nc",
    "{{ messages | tojson }}",
    "{{ {'b': 1, 'a': 2} | dictsort }} {{ {'b': 1, 'a': 2} | items | list }} {{ range(3) | list }}",
    "{{ messages[0] }}",
    "{%- for k, v in messages[0].items() %}{{ k }}={{ v }};{% endfor %}",
    "{{ 2 ** 3 }} {{ 7 % 3 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ [1, 2] + [3] }} {{ 'a' * 3 }}",
]


def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[jinja2.ext.loopcontrols])
env.filters["tojson"] = tojson
cases = [{"template": t, "expected": env.from_string(t).render(
    messages=MESSAGES, tools=TOOLS, documents=None, add_generation_prompt=True, bos_token="<s>")} for t in TEMPLATES]
with open("jinja_cases.json", "w", encoding="utf-8") as out:
    json.dump({"messages": MESSAGES, "tools": TOOLS, "cases": cases}, out, ensure_ascii=False, indent=1)
    out.write("\n")
