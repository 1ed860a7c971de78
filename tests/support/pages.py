"""The documents of this repository, and what stands in them."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", *DOCS.rglob("*.md")])


@dataclass(frozen=True)
class Block:
    """A fenced block of a page. ``file``: the name under which it is to be saved, if it is."""

    language: str
    file: str
    text: str


def blocks(page: Path) -> list[Block]:
    """Return the blocks that name a language, and perhaps a file: ```` ```python serve.py ````."""
    fenced = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.DOTALL | re.MULTILINE)
    return [Block(*found) for found in fenced.findall(page.read_text())]


def code_of(page: Path) -> list[str]:
    """Each text between backticks, outside of blocks."""
    return re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL))


def table_of(page: Path, heading: str) -> list[list[str]]:
    """The rows of the first table under a heading, without its head and backticks."""
    section = page.read_text().partition(f"# {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip().replace("`", "") for cell in line.split("|")[1:-1]] for line in lines[2:]]


def block_of(page: Path, language: str) -> str:
    """The page's one block in this language."""
    [block] = re.findall(rf"```{language}\n(.*?)```", page.read_text(), re.DOTALL)
    return block
