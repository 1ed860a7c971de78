"""The template language: output, refusals, and text rendered once for many recipients."""

import pytest

from notifier.templates import (
    Attributes,
    Budget,
    MissingVariable,
    OverBudget,
    TemplateError,
    Translation,
)
from notifier.templates.rendering import text
from tests.support.rendering import refusal, render


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
def test_many_recipients_get_what_each_would_get_alone(source, html):
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


def test_a_text_for_many_may_not_be_longer_than_one_that_is_rendered_alone():
    translation = Translation(body="{{ long }}{{ recipient.user_id }}{{ long }}")
    with pytest.raises(OverBudget, match="more than 262,144 characters"):
        translation.prefilled({"long": "x" * 140_000}).render({"user_id": "ada"})


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


# -- A recipient's attributes -----------------------------------------------------------------


def attributes(source: str, **values: object) -> str:
    return text(source).render({"a": Attributes.of(values)}, Budget())


@pytest.mark.parametrize(
    ("source", "printed"),
    [
        ("[{{ a.city }}]", "[Graz]"),
        ("[{{ a.zip }}]", "[]"),
        ("[{{ a.home.street }}]", "[]"),
        ("[{{ a.home.street.number }}]", "[]"),
        ("[{{ a['zip'] }}{{ a.zip[0] }}]", "[]"),
        ("[{{ a.zip|default('none') }}]", "[none]"),
        ("[{{ a.zip|upper }}]", "[]"),
        ("{% if a.zip is defined %}yes{% else %}no{% endif %}", "no"),
        ("{% if a.zip or a.home.zip %}yes{% else %}no{% endif %}", "no"),
        ("{% if a.zip == '1' %}yes{% else %}no{% endif %}", "no"),
        ("{% for one in a.list %}{{ one }}{% else %}none{% endfor %}", "none"),
        ("{% for one in a.homes %}{{ one.city }}{{ one.zip }};{% endfor %}", "Linz;Wels;"),
    ],
)
def test_a_missing_attribute_is_nothing(source: str, printed: str) -> None:
    homes = [{"city": "Linz"}, {"city": "Wels"}]
    assert attributes(source, city="Graz", home={}, homes=homes) == printed


@pytest.mark.parametrize("source", ["{{ a.zip + 1 }}", "{{ a.zip < 3 }}", "{{ a.home }}"])
def test_what_cannot_be_done_with_a_missing_attribute_is_an_error(source: str) -> None:
    with pytest.raises(TemplateError):
        attributes(source, home={})


@pytest.mark.parametrize(
    ("body", "mentions"),
    [
        ("Hello {{ recipient.user_id }} ({{ recipient.locale }})", False),
        ("Hello {{ name }}", False),
        ("Hello {{ recipient.name }}", True),
        ("{{ recipient . attributes.x }}", True),
        ("{{ recipient['name'] }}", True),
        ("{% set r = recipient %}{{ r.name }}", True),
        ("{{ recipient.locale_of }}", True),
    ],
)
def test_a_translation_says_whether_it_needs_names_or_attributes(body: str, mentions: bool) -> None:
    assert Translation(body=body).mentions_profile() is mentions
    assert Translation(data={"x": [body]}).mentions_profile() is mentions
    assert Translation(actions={"Go": body}).mentions_profile() is mentions


@pytest.mark.parametrize(
    ("source", "mentioned"),
    [
        ("{{ recipient.name }}", True),
        ("{{ recipient['name'] }}", True),
        ("{{ recipient.attributes.city }}", True),
        ("{{ recipient }}", True),
        ("{% set who = recipient %}{{ who.name }}", True),
        ("{{ recipient.user_id }} {% if recipient.locale == 'de' %}!{% endif %}", False),
        ("{{ recipient.user_id }} {{ recipient.name }}", True),
        ("The recipient of order {{ n }}", False),
        ("{{ order.recipient.name }} {# recipient.name #} {{ 'recipient' }}", False),
        ("the recipient", False),
        ("{{ recipient.user_id|of_an_older_language }}", True),
    ],
)
def test_a_translation_knows_whether_it_says_more_of_a_recipient_than_everybody_has(
    source: str, mentioned: bool
):
    for one in (
        Translation(title=source),
        Translation(html=source),
        Translation(data={"a": [source]}),
        Translation(actions={"Open": source}),
    ):
        assert one.mentions_profile() is mentioned
