"""An app's tables are named in SQL by that app alone, but for what the documents list."""

import ast
import re
from collections import defaultdict
from pathlib import Path

from django.apps import apps

from tests.support.pages import DOCS, ROOT, table_of

#: Packages of the apps, by the names of their tables.
OWNERS = {
    model._meta.db_table: config.name.replace(".", "/")
    for config in apps.get_app_configs()
    if config.name.startswith("apps.")
    for model in config.get_models(include_auto_created=True)
}
NAMED = re.compile(rf"\b({'|'.join(OWNERS)})\b")


def strings(code: str) -> set[str]:
    """Return the strings of a module, parts of formatted ones included, without docstrings."""
    tree = ast.parse(code)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in docstrings
    }


def tables_of_others(path: Path) -> set[str]:
    """Return the tables that a file names in its strings and another app owns."""
    name, code = str(path.relative_to(ROOT)), path.read_text()
    named = {table for table in NAMED.findall(code) if not name.startswith(f"{OWNERS[table]}/")}
    if not named:
        return named  # as most files, which need not be parsed for that
    return named & {table for text in strings(code) for table in NAMED.findall(text)}


def test_tables_of_another_app_are_named_by_the_listed_files_alone():
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted((ROOT / "apps").rglob("*.py")):
        # A released migration stays as it was.
        if "migrations" not in path.parts and (tables := tables_of_others(path)):
            found[str(path.relative_to(ROOT))] = sorted(tables)
    listed = {row[0]: row[1].split() for row in table_of(DOCS / "architecture.md", "Tables")}
    assert found == listed, (
        "have the app that owns a table export a function, or list the file with a reason "
        "in docs/architecture.md"
    )
