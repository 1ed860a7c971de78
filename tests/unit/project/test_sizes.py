"""Files and packages stay small enough to be read at once."""

import subprocess
from collections import Counter
from pathlib import PurePosixPath

from tests.support.pages import ROOT

LONGEST_FILE = 400
LARGEST_PACKAGE = 15


def _modules() -> list[PurePosixPath]:
    """Return the paths of Python files in the repository, but for migrations and generated code."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    paths = [PurePosixPath(line) for line in listed.stdout.splitlines()]
    return [path for path in paths if "migrations" not in path.parts and (ROOT / path).exists()]


def test_no_file_has_more_than_400_lines():
    lengths = {str(path): len((ROOT / path).read_text().splitlines()) for path in _modules()}
    assert len(lengths) > 500
    assert not {path: lines for path, lines in lengths.items() if lines > LONGEST_FILE}


def test_no_package_has_more_than_fifteen_modules():
    sizes = Counter(path.parent for path in _modules() if path.name != "__init__.py")
    assert len(sizes) > 50
    assert not {str(path): size for path, size in sizes.items() if size > LARGEST_PACKAGE}
