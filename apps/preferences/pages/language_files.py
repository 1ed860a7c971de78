"""Texts of people's pages and mails: one JSON file for each language, named after its locale.

A file maps keys to texts with ``{placeholders}``. Beside those that are shipped, a company may have
its own, for further languages or to say something better; what it leaves out is as shipped, or in
English. Knows no Django, since the settings read the files.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from string import Formatter

SHIPPED = Path(__file__).parent / "languages"
#: The language of texts that no other one has.
ENGLISH = "en"
_LOCALE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")

Texts = Mapping[str, str]


def read(directory: str = "") -> dict[str, Texts]:
    """Return the texts by locale: those shipped, and above them those of a company's directory.

    Raises ``ValueError`` for a file that cannot be read, a key that is not known, and a text whose
    placeholders are not those of the English one.
    """
    found = {path.stem: _texts(path) for path in sorted(SHIPPED.glob("*.json"))}
    english = found[ENGLISH]
    if directory:
        if not Path(directory).is_dir():
            raise ValueError(f"{directory!r} is no directory")
        for path in sorted(Path(directory).glob("*.json")):
            texts = _texts(path)
            _check(path.name, texts, english)
            found[path.stem] = {**found.get(path.stem, {}), **texts}
    return {locale: {**found[ENGLISH], **texts} for locale, texts in found.items()}


def placeholders(text: str) -> frozenset[str]:
    """Return the names in braces. Raises ``ValueError`` for a brace that is not closed."""
    return frozenset(name for _, name, _, _ in Formatter().parse(text) if name is not None)


def _texts(path: Path) -> Texts:
    if not _LOCALE.fullmatch(path.stem):
        raise ValueError(f"{path.name} is not named after a locale: it.json, pt-BR.json")
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{path.name} cannot be read: {error}") from None
    if not isinstance(found, dict) or not all(isinstance(text, str) for text in found.values()):
        raise ValueError(f"{path.name} must be a JSON object of texts")
    return found


def _check(name: str, texts: Texts, english: Texts) -> None:
    for key, text in texts.items():
        if key not in english:
            raise ValueError(f"{name} has the key {key!r}, which no page uses")
        try:
            same = placeholders(text) == placeholders(english[key])
        except ValueError:
            same = False
        if not same:
            wanted = ", ".join(sorted(f"{{{one}}}" for one in placeholders(english[key])))
            raise ValueError(f"{name}: the text of {key!r} needs {wanted or 'no placeholders'}")
