"""No template takes long: what costs too much is refused at once."""

import time

import pytest

from notifier.templates import (
    OverBudget,
    TemplateError,
    Translation,
    budget_for,
)
from notifier.templates.rendering import Text, TextCache, text
from tests.support.rendering import refusal, render

#: Seconds. Measured: 0.05 at the most; the rest is for a busy machine.
LONG = 1.0
LIST = list(range(1000))
ONES = [1] * 28_000
WORDS = [str(i * 7919 % 99991) for i in range(7000)]
PAIRS = {str(i): i for i in range(4000)}
LONG_TEXT = "xy" * 30_000
LOOPS = [
    "{% for a in l %}{% for b in l %}{% endfor %}{% endfor %}",
    "{% for a in l %}{% for b in l %}{{ '' }}{% endfor %}{% endfor %}",
    "{% for a in l %}" * 15 + "{% endfor %}" * 15,
    "{% for a in l if a < 0 %}{% endfor %}" * 200,
    "{% for a in l %}{% for b in l if b < 0 %}{% endfor %}{% endfor %}",
    "{% for a in l %}{% for b in l %}{{ loop.length if false }}{% endfor %}{% endfor %}",
    "{% for a in s %}{% for b in s %}{% endfor %}{% endfor %}",
    # A body of much that costs nothing each.
    "{% for a in l %}" + "{{ a if not a else '' }}" * 600 + "{% endfor %}",
]
BOMBS = [
    "{% set a = s %}" + "{% set a = a ~ a %}" * 40,
    "{% set a = s %}" + "{% set a = a + a %}" * 40,
    "{% set a = 9 %}" + "{% set a = a * a %}" * 40 + "{{ a }}",
    "{{ s|replace('x', s) }}",
    "{{ s|replace('', s) }}",
    "{{ l|join(s) }}",
    "{{ q" + "|tojson" * 30 + " }}",
    "{{ s" + "|urlencode|e|string" * 12 + " }}",
    "{% for a in l %}{{ s }}{% endfor %}",
    "{{ 'x' * 1000000000 }}",
    "{{ l * 1000000000 }}",
    "{{ '%1000000000d' % 1 }}",
    "{{ '%1000000000d' is odd }}",
    "{{ '%1000000000d' is divisibleby(3) }}",
    "{{ 1|round(-1000000000) }}",
    "{{ 1|fixed(1000000000) }}",
    "{{ 9223372036854775807 * 9223372036854775806 }}",
    "{% for a in s %}{% if " + "9" * 4000 + "|string %}{% endif %}{% endfor %}",
    # A list of characters would weigh more than all that was posted.
    "{% set a = s|sort %}{% for b in l %}{{ '' if a|tojson }}{% endfor %}",
    "{{ l|sort(attribute='0" + ".0" * 30_000 + "') }}",
    "{{ l|join(attribute='0" + ".0" * 30_000 + "') }}",
    "{{ l|sum(attribute='0" + ".0" * 30_000 + "') }}",
    "{{ l|sort(attribute='" + "0," * 30_000 + "0') }}",
]
HEAVY = [
    *("ones == same", "ones != same", "2 in ones", "words|sort", "ones|tojson", "words|join('')"),
    *("s|urlencode", "s|e", "s|truncate(20000)", "s|replace('x', 'y')", "'xx' in s", "s|upper"),
    *("pairs|items", "pairs|dictsort", "ones|sum", "ones|max", "ones|reverse", "s ~ s"),
    *("words|sort(attribute='0')", "s + s", "s|capitalize", "s|reverse", "s|trim == s"),
    *("words|join('', '0.0.0.0.0.0.0.0.0.0')", "words|sort(attribute='0,0,0,0,0,0,0,0,0,0')"),
]  # fmt: skip


@pytest.mark.parametrize("source", LOOPS + BOMBS)
def test_a_hostile_text_is_refused_at_once(source):
    started = time.process_time()
    error = refusal(source, l=LIST, s=LONG_TEXT, q='"' * 1000)
    assert time.process_time() - started < LONG
    assert isinstance(error, OverBudget) or source in BOMBS


@pytest.mark.parametrize("expression", HEAVY)
def test_work_on_large_values_is_paid_for(expression):
    source = f"{{% for a in l %}}{{{{ '' if {expression} else '' }}}}{{% endfor %}}"
    large = {
        "ones": ONES[:14_000],
        "same": list(ONES[:14_000]),
        "words": WORDS,
        "pairs": PAIRS,
        "s": LONG_TEXT,
    }
    used = {name: value for name, value in large.items() if name in expression}
    started = time.process_time()
    assert isinstance(refusal(source, l=LIST, **used), OverBudget)
    assert time.process_time() - started < LONG


@pytest.mark.parametrize("written", [["<" * 40_000], {"a": ("<" * 40_000, 1)}], ids=range(2))
@pytest.mark.parametrize("mentioned", ["", "{% if recipient %}"], ids=range(2))
def test_a_list_that_the_text_writes_is_paid_for_like_one_that_is_posted(written, mentioned):
    loops = f"{{% for a in '{'x' * 200}' %}}{{% for b in '{'x' * 200}' %}}"
    work = f"{{% if {written}|tojson %}}{{% endif %}}"
    body = f"{mentioned}{loops}{work}{'{% endfor %}' * 2}{mentioned and '{% endif %}'}"
    started = time.process_time()
    with pytest.raises(OverBudget):
        Translation(body="Hi. " + body).prefilled({}).render({"user_id": "ada"})
    with pytest.raises(OverBudget):
        Translation(body=body).render({"recipient": {"user_id": "ada"}})
    assert time.process_time() - started < LONG


@pytest.mark.parametrize(
    "source",
    [
        "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
        "{{ " + "+".join("1" * 20_000) + " }}",
        "{{ " + "-" * 20_000 + "1 }}",
        "{{ " + "9" * 20_000 + " }}",
        "{{ [" + "1," * 20_000 + "] }}",
        "{% if " + " or ".join(["not a.b is defined"] * 300) + " %}{% endif %}",
        ("{{ " + "not " * 35 + "a }}") * 250,
        "{% if a %}" * 1000 + "{% endif %}" * 1000,
        "{% for a in b %}" * 30 + "{% endfor %}" * 30,
        "{% set a = b ~ c or d and e %}" * 2000,
        "{{" * 30_000,
        "x" * 70_000,
    ],
    ids=range(12),
)
def test_a_text_that_would_take_long_to_compile_is_refused_at_once(source):
    started = time.process_time()
    with pytest.raises(TemplateError):
        text(source)
    assert time.process_time() - started < 2 * LONG


def test_a_text_takes_the_same_steps_every_time():
    source = "{% for a in l %}{{ a }}{% endfor %}"
    left = set()
    for _ in range(3):
        budget = budget_for({"l": LIST})
        text(source).render({"l": LIST}, budget)
        left.add(budget.left)
    assert len(left) == 1


def test_a_long_honest_mail_is_within_budget():
    lines = [{"name": f"Part {n}", "price": n / 7, "stock": n % 3} for n in range(500)]
    source = (
        "{% for line in lines %}<tr><td>{{ loop.index }}</td><td>{{ line.name|upper }}</td>"
        "<td>{{ line.price|fixed }}</td><td>{% if line.stock > 0 %}yes{% else %}no{% endif %}</td>"
        "</tr>{% endfor %}"
    )
    assert render(source, html=True, lines=lines).count("<tr>") == 500


def test_what_is_kept_compiled_is_bounded_by_its_characters_and_the_oldest_makes_room():
    kept = TextCache(3000)
    texts = {size: Text("x" * size, False) for size in (1000, 400, 500, 1100)}
    for size, one in texts.items():
        kept.keep("x" * size, False, one)
        kept.keep("x" * size, False, one)
        assert kept.get(("x" * size, False)) is one
    assert [len(source) for source, _ in kept] == [400, 500, 1100]
    kept.keep("x" * 1000, True, texts[1000])
    assert [len(source) for source, _ in kept] == [500, 1100, 1000]
    assert text("{{ a }}") is text("{{ a }}") is not text("{{ a }}", True)
