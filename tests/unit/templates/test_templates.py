"""Templates: what the language says, what it refuses, and that nothing takes it long."""

import time

import pytest

from notifier.domain.messages import Content
from notifier.templates import (
    MissingVariable,
    OverBudget,
    TemplateError,
    Translation,
    budget_for,
    lookup,
)
from notifier.templates.text import Text, TextCache, text


def render(source, *, html=False, **variables):
    return text(source, html).render(variables, budget_for(variables))


def refusal(source, *, html=False, **variables) -> TemplateError:
    with pytest.raises(TemplateError) as caught:
        render(source, html=html, **variables)
    return caught.value


# -- What it says -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("Hello {{ name }}!", "Hello Ada!"),
        ("{{ order.id }} {{ order['id'] }} {{ order.lines[0].name }}", "A-1 A-1 Pen"),
        ("{{ order.items }}", "2"),  # a member, though an object has a method of that name
        ("{{ nobody|default('friend') }} {{ order.note|default('-') }}", "friend -"),
        ("{{ none }}{{ yes }} {{ 1.5 }}", "true 1.5"),
        ("{{ order.total|fixed }} {{ order.total|round(1) }}", "12.50 12.5"),
        ("{{ order.lines|join(', ', attribute='name') }}", "Pen, Ink"),
        ("{{ order.lines|sort(attribute='name')|first|tojson }}", '{"name": "Ink", "qty": 2}'),
        ("{{ order.lines|sum(attribute='qty') + 1 }}", "4"),
        ("{{ 'a' ~ 1 ~ name }} {{ 'a' + 'b' }}", "a1Ada ab"),
        ("{% if yes and order.total > 10 %}much{% else %}little{% endif %}", "much"),
        ("{% if nobody is defined %}x{% endif %}{{ 'odd' if 3 is odd }}", "odd"),
        ("{% set a, b = (1, 2) %}{% with c = a + b %}{{ c }}{% endwith %}", "3"),
        (
            "{% for k, v in names|dictsort %}{{ loop.index }}:{{ k }}={{ v }}"
            "{{ ', ' if not loop.last }}{% else %}none{% endfor %}",
            "1:a=1, 2:b=2",
        ),
        ("A\n{% for o in order.lines %}\n- {{ o.name }}\n{% endfor %}\nZ", "A\n- Pen\n- Ink\nZ"),
        ("{% raw %}{{ name }}{% endraw %}{# not said #}!\n", "{{ name }}!\n"),
        ("{{ name|upper|replace('A', 'O')|lower|capitalize|truncate(2) }}", "O…"),
        ("{{ 'a b/ü'|urlencode }} {{ ' x '|trim }} {{ '7'|int + 1 }} {{ [1, 2]|reverse|last }}",
         "a%20b/%C3%BC x 8 1"),
        ("no {braces} at all % # }", "no {braces} at all % # }"),
    ],
)  # fmt: skip
def test_a_text_says_what_its_variables_are(source, said):
    order = {
        "id": "A-1",
        "items": 2,
        "total": 12.5,
        "lines": [{"name": "Pen", "qty": 1}, {"name": "Ink", "qty": 2}],
    }
    names = {"b": 2, "a": 1}
    assert render(source, name="Ada", order=order, none=None, yes=True, names=names) == said


def test_html_is_escaped_unless_it_is_said_to_be_safe():
    evil = "<script>alert('&')</script>"
    escaped = "&lt;script&gt;alert(&#39;&amp;&#39;)&lt;/script&gt;"
    assert render("<p>{{ x }}</p>", html=True, x=evil) == f"<p>{escaped}</p>"
    assert render("{{ '<b>' ~ x }}", html=True, x=evil) == f"&lt;b&gt;{escaped}"
    assert render("{{ [1, 2]|join(x) }}", html=True, x=evil) == f"1{escaped}2"
    assert render("{{ x|replace('(', '<') }}", html=True, x="(") == "&lt;"
    assert render("{{ x|upper|trim|truncate(3) }}", html=True, x="<b>") == "&lt;B&gt;"
    assert render("{{ x|e|replace('lt', x) }}", html=True, x="<") == "&&lt;;"
    assert render("{{ x|safe }}", html=True, x=evil) == evil
    assert render("{{ x }}", x=evil) == evil


def test_what_is_missing_is_named_with_its_line():
    missing = refusal("Hello\n{{ name }}")
    assert (missing.name, missing.line) == ("name", 2)
    assert refusal("{{ order.id }}", order={}).name == "order.id"
    assert refusal("{{ order.id }}").name == "order"
    assert refusal("{{ a.b.c }}", a={"b": {}}).name == "a.b.c"
    assert refusal("{% if vip %}x{% endif %}").name == "vip"
    assert refusal("{% for x in list %}x{% endfor %}").name == "list"
    assert refusal("{{ name|upper }}").name == "name"
    assert refusal("{{ count + 1 }}").name == "count"
    assert refusal("{{ 'a' ~ b }}").name == "b"
    assert isinstance(refusal("{{ x == y }}", x=1), MissingVariable)


@pytest.mark.parametrize(
    ("source", "sentence", "line"),
    [
        ("a\nb {{ name", "Unexpected end of template", 2),
        ("{{ %}", "Unexpected '%'", 1),
        ("{% if %}", "Expected an expression", 1),
        ("\n{{ name|upcase }}", "There is no filter upcase. Known are: abs,", 2),
        ("{{ name is callable }}", "There is no test callable", 1),
        ("\n\n{{ 1 / 0 }}", "divided by zero", 3),
        ("{{ lines }}", "cannot be printed", 1),
        ("{{ name|int }}", "cannot be read", 1),
        ("{{ name|abs }}", "wrong type", 1),
        ("{{ name > 3 }}", "wrong type", 1),
        ("{% for x in 3 %}{% endfor %}", "A loop runs over a list", 1),
        ("{{ lines|sum }}", "sum adds numbers", 1),
    ],
)
def test_errors_are_sentences_that_name_the_line_and_no_value(source, sentence, line):
    error = refusal(source, name="Ada Lovelace", lines=["x"])
    assert sentence in str(error) and str(error).endswith(".")
    assert error.line == line
    assert "Lovelace" not in str(error)


# -- What is done once for many recipients ----------------------------------------------------


@pytest.mark.parametrize(
    "source",
    [
        "Hi {{ recipient.user_id }}, {{ day }}: {% for i in items %}{{ loop.index }}{% endfor %}.",
        "{{ day }}{{ recipient.user_id }}{{ day }}{{ recipient.locale }}",
        "{% for i in items %}{{ i }} for {{ recipient.user_id }}{% endfor %} {{ items|join(' ') }}",
        "{% set who = recipient.user_id %}{{ day }} {{ who }}",
        "{% set n = items|first %}{{ n }} {{ recipient.user_id }} {{ n }}",
        "{% if recipient.locale == 'de' %}Tag{% else %}day{% endif %} {{ day }}\n",
        "{% with recipient = day %}{{ recipient }}{% endwith %} {{ recipient.user_id }}",
        "{{ '{{ day }}' }} {{ recipient.user_id }} {{ '<b>' }}",
        "nothing to fill in",
    ],
)
@pytest.mark.parametrize("html", [False, True])
def test_many_recipients_are_told_what_each_would_have_been_told_alone(source, html):
    shared = {"day": "<Friday>", "items": ["tea", "pot"]}
    translation = Translation(title="x", **{"html" if html else "body": source})
    personal = translation.prefilled(shared)
    for user_id, locale in (("ada", "de"), ("<bob>", "en"), ("ada", "de")):
        recipient = {"user_id": user_id, "locale": locale}
        alone = translation.render({**shared, "recipient": recipient})
        assert personal.render(recipient) == alone


def test_what_is_missing_is_named_likewise_for_many_recipients():
    translation = Translation(body="{{ recipient.user_id }}\n{{ order.id }}\n{{ recipient.age }}")
    with pytest.raises(MissingVariable) as caught:
        translation.prefilled({}).render({"user_id": "ada"})
    assert (caught.value.name, caught.value.line, caught.value.field) == ("order", 2, "body")
    with pytest.raises(MissingVariable) as caught:
        translation.prefilled({"order": {"id": "A"}}).render({"user_id": "ada"})
    assert (caught.value.name, caught.value.line) == ("recipient.age", 3)


def test_a_text_that_many_are_told_may_not_be_longer_than_one_that_is_rendered_alone():
    translation = Translation(body="{{ long }}{{ recipient.user_id }}{{ long }}")
    with pytest.raises(OverBudget, match="more than 262,144 characters"):
        translation.prefilled({"long": "x" * 140_000}).render({"user_id": "ada"})


# -- What it refuses --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "source",
    [
        *("{% include 'x' %}", "{% import 'x' as y %}", "{% from 'x' import y %}"),
        *("{% extends 'x' %}", "{% block a %}{% endblock %}", "{% macro a() %}{% endmacro %}"),
        *("{% call a() %}{% endcall %}", "{% filter upper %}x{% endfilter %}"),
        *("{% set a %}x{% endset %}", "{% for a in x recursive %}{{ loop(a) }}{% endfor %}"),
        *("{{ lipsum() }}", "{{ range(10) }}", "{{ x.upper() }}", "{{ x|format(1) }}"),
        *("{{ x|attr('y') }}", "{{ x|center(10) }}", "{{ x|indent(10) }}", "{{ x|wordwrap(1) }}"),
        *("{{ x|map('upper') }}", "{{ x|xmlattr }}", "{{ x|pprint }}", "{{ x[1:] }}"),
        *("{{ 2 ** 3 }}", "{{ self }}", "{{ [x, x] }}", "{{ {'a': x} }}", "{% set a = x, x %}"),
        *(r"{{ '\x00' }}", r"{{ '\ud800' }}", r"{{ x['\udfff'] }}"),
        *("{% autoescape false %}{% endautoescape %}", "{% do x %}", "{% break %}"),
    ],
)
def test_what_could_cost_too_much_is_not_in_the_language(source):
    with pytest.raises(TemplateError):
        text(source)


@pytest.mark.parametrize(
    "source",
    [
        *("{{ ''.__class__.__mro__ }}", "{{ x['__class__'] }}", "{{ x.__init__.__globals__ }}"),
        *("{{ x.upper }}", "{{ d.keys }}", "{{ d.__class__ }}", "{{ l.append }}", "{{ f.real }}"),
        *("{% for a in l %}{{ loop._iterator }}{% endfor %}", "{{ cycler }}", "{{ dict }}"),
        *("{% for a in l %}{{ loop.__class__ }}{% endfor %}", "{{ joiner.__init__ }}"),
        *("{{ none_such.__class__ }}", "{{ (1).__class__ }}", "{{ namespace }}"),
        *("{{ d.x.__class__ }}", "{{ l|sort(attribute='__class__') }}", "{{ environment }}"),
    ],
)
def test_nothing_of_python_can_be_reached(source):
    with pytest.raises(MissingVariable):
        render(source, x="text", d={"x": "y"}, l=["a", "b"], f=1.5)


# -- What it costs ----------------------------------------------------------------------------

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


# -- Translations -----------------------------------------------------------------------------


def test_a_translation_fills_every_text():
    translation = Translation(
        title=" Order {{ id }}\n",
        body="It is {{ state }}.",
        html="<p>{{ state }}</p>",
        data={"order": {"id": "{{ id }}", "n": 1}, "tags": ["{{ state }}", None]},
        actions={"Track {{ id }}": "https://shop.example/{{ id|urlencode }}"},
    )
    assert translation.render({"id": "A 1", "state": "<sent>"}) == Content(
        title="Order A 1",
        body="It is <sent>.",
        html="<p>&lt;sent&gt;</p>",
        data={"order": {"id": "A 1", "n": 1}, "tags": ["<sent>", None]},
        actions={"Track {{ id }}": "https://shop.example/A%201"},
    )
    assert translation.names() == {"id", "state"}


@pytest.mark.parametrize(
    ("translation", "field"),
    [
        (Translation(title="{{ x }}"), "title"),
        (Translation(body="a", actions={"Open/it": "{{ x }}"}), "actions/Open~1it"),
        (Translation(data={"a": {"b~": ["{{ y }}"]}}), "data/a/b~0/0"),
        (Translation(html="{{ y }}"), "html"),
        (Translation(body="{{ long }}{{ long }}"), ""),
    ],
)
def test_an_error_names_the_text(translation, field):
    with pytest.raises(TemplateError) as caught:
        translation.render({"x": "Hello\r\nBcc: eve@example.com", "long": "x" * 40_000})
    assert caught.value.field == field


@pytest.mark.parametrize("ending", ["\r\n", "\n", "\r", "\x0b", "\x0c", "\x1e"])
def test_a_title_is_one_line_whatever_a_variable_brings(ending):
    with pytest.raises(TemplateError, match="one line"):
        Translation(title="Hi {{ x }}").render({"x": f"a{ending}b"})


@pytest.mark.parametrize("text", ["\u2028", "\u2029", "\x85"])
def test_what_a_posted_title_may_have_a_variable_may_bring(text):
    assert Translation(title="Hi {{ x }}").render({"x": f"a{text}b"}).title == f"Hi a{text}b"


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "https://a b", "http://", "x", "", "ftp://a.example"]
)
def test_an_action_is_a_link_whatever_a_variable_brings(url):
    with pytest.raises(TemplateError, match="URL"):
        Translation(actions={"Open": "{{ x }}"}).render({"x": url})


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        *[("de-AT", "de-AT"), ("DE-at", "de-AT"), ("de-CH", "de"), ("de-CH-1996", "de")],
        *[("zh-Hant-TW", "zh-Hant"), ("zh-x-private", "en"), ("fr", "en"), ("", "en")],
    ],
)
def test_the_next_wider_locale_is_found(wanted, found):
    assert lookup(wanted, "en", ["en", "de", "de-AT", "zh-Hant"]) == found
