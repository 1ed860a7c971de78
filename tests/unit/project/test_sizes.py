"""Files and packages stay small enough to be read at once."""

import os
from collections import Counter
from pathlib import Path

from tests.support.pages import PAGES, ROOT

LONGEST_FILE = 400
LARGEST_PACKAGE = 15


def modules() -> list[Path]:
    """Return the Python files of the project, but for migrations and what is not its own."""
    found: list[Path] = []
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [name for name in folders if name[0] != "." and name != "migrations"]
        found += [Path(folder, name) for name in files if name.endswith(".py")]
    return found


def test_no_file_has_more_than_400_lines():
    lengths = {str(path): len(path.read_text().splitlines()) for path in modules()}
    assert len(lengths) > 500
    assert not {path: lines for path, lines in lengths.items() if lines > LONGEST_FILE}


def test_no_page_has_more_than_400_lines():
    lengths = {str(page): len(page.read_text().splitlines()) for page in PAGES}
    assert not {page: lines for page, lines in lengths.items() if lines > LONGEST_FILE}


def test_no_package_has_more_than_fifteen_modules():
    sizes = Counter(path.parent for path in modules() if path.name != "__init__.py")
    assert len(sizes) > 50
    assert not {str(path): size for path, size in sizes.items() if size > LARGEST_PACKAGE}
