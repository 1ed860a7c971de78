"""Mutants: what is changed, what is left out, and that tests see the change."""

import ast

import pytest

from mutants import generate
from mutants.generate import Mutant, mutants
from mutants.measured import FOLDERS, folder_of
from mutants.report import Result, survivors, table
from stack.supervision.process import ROOT
from tests.support.pages import DOCS

QUEUES = "notifier/domain/queues.py"


@pytest.fixture
def changes(tmp_path, monkeypatch):
    """The lines that the mutants of a source have in place of others."""
    monkeypatch.setattr(generate, "ROOT", tmp_path)

    def of(source):
        path = tmp_path / "module.py"
        path.write_text(source)
        lines = [line for one in mutants(path) for line in one.difference.splitlines()]
        return [line[1:].strip() for line in lines if line.startswith("+")]

    return of


def test_a_number_a_comparison_and_a_condition_are_changed(changes):
    assert changes("LIMIT = 8\n") == ["LIMIT = 9", "LIMIT = 7"]
    assert changes("few = a < b\n") == ["few = a >= b", "few = a <= b"]
    assert changes("if a:\n    act = b\n") == ["if not a:"]


def test_a_call_a_return_and_a_count_lose_their_effect(changes):
    assert changes("act()\n") == changes("def f():\n    return b\n") == ["pass"]
    assert changes("if a is None:\n    raise b\n") == ["if a is not None:", "pass"]
    assert changes("n += m\n") == ["n -= m"]


@pytest.mark.parametrize(
    "source",
    [
        "def f(a: int | None, *, b: str) -> int | None: ...\n",
        "Kind = A | B\n",
        "n: int | None\n",
        "SQL = 'SELECT ' + columns + ' FROM t'\n",
        "log.warning('%s', name)\n",
        "@dataclass(frozen=True, slots=True)\nclass Row: ...\n",
        "pairs = zip(a, b, strict=True)\n",
        "if TYPE_CHECKING:\n    import x\n",
        "'''A docstring of 3 words.'''\n",
    ],
)
def test_what_nothing_could_fail_on_is_left_out(changes, source):
    assert changes(source) == []


def test_every_mutant_of_the_folders_can_be_read_and_names_its_statement():
    for folder in FOLDERS:
        path = next(one for one in sorted((ROOT / folder.path).rglob("*.py")) if one.stem[0] != "_")
        for mutant in mutants(path):
            ast.parse(mutant.source)
            assert mutant.first <= mutant.line <= mutant.last
            assert folder_of(mutant.path) == folder
            assert all((ROOT / test).exists() for test in (*folder.tests, *folder.own))


def test_the_report_shows_the_change_of_each_survivor():
    survivor = Mutant("a.py", "a.py:1:0 X.0", "", "-a = 1\n+a = 2", 1, 1, 1)
    results = [Result(survivor, "survived"), Result(survivor, "killed", "test_it")]
    assert survivors(results) == "a.py:1:0 X.0: survived\n-a = 1\n+a = 2"


def test_the_table_says_how_many_were_tried_and_shows_a_dash_where_none_was():
    found = [Mutant(path, f"{path}:{n}", "", "", n, n, n) for path in "ab" for n in range(3)]
    assert table(found, {found[0].key: "survived", found[1].key: "killed"}).splitlines()[2:] == [
        "| `a` | 3 | 2 | 1 | 1 |",
        "| `b` | 3 | – | – | – |",
        "| all | 6 | 2 | 1 | 1 |",
    ]


def test_the_page_on_mutants_names_each_file_that_has_some():
    page = (DOCS / "mutants.md").read_text()
    for folder in FOLDERS:
        for path in sorted((ROOT / folder.path).rglob("*.py")):
            if f"| `{path.relative_to(ROOT)}` |" not in page:
                assert next(mutants(path), None) is None, path
