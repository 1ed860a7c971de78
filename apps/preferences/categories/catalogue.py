"""Read categories, which every acceptance needs, from a cache."""

from dataclasses import asdict, dataclass, field
from typing import Any

from django.db.models import QuerySet

from apps.core.cache import CachedLookup
from apps.preferences.models import Category
from notifier.domain.categories import DEFAULT, CategoryKind
from notifier.templates import lookup

#: The name that people read of the default category until the company writes a better one.
DEFAULT_DISPLAY_NAME = {"en": "Other messages"}


@dataclass(frozen=True, slots=True)
class CategorySnapshot:
    """A category as accepting, sending and describing need it.

    ``off``: the channels on which it is not sent to people who have chosen nothing.
    ``display_name``, ``description``: by locale. ``frequency_caps``, ``digest``: as requests write
    them.
    """

    name: str
    kind: CategoryKind = CategoryKind.TRANSACTIONAL
    default_locale: str = "en"
    display_name: dict[str, str] = field(default_factory=dict)
    description: dict[str, str] = field(default_factory=dict)
    off: frozenset[str] = frozenset()
    frequency_caps: list[dict[str, Any]] = field(default_factory=list)
    digest: dict[str, Any] | None = None

    @property
    def critical(self) -> bool:
        """True if preferences do not apply to it."""
        return self.kind == CategoryKind.CRITICAL

    def title(self, locale: str = "") -> str:
        """Return the display name in the language that fits ``locale`` best, or else the name."""
        return self._text(self.display_name, locale) or self.name

    def meaning(self, locale: str = "") -> str:
        """Return the description in the language that fits ``locale`` best; empty without one."""
        return self._text(self.description, locale)

    def _text(self, texts: dict[str, str], locale: str) -> str:
        if not texts:
            return ""
        default = self.default_locale
        if default.lower() not in {one.lower() for one in texts}:
            default = next(iter(texts))  # written past the checks; any text is better than none
        return texts[lookup(locale, default, texts)]


def find(name: str) -> CategorySnapshot | None:
    """Return the category of this name, folded; ``None`` if the catalogue does not have it."""
    found = categories.get(name)
    return _unlisted(name) if found is None and name == DEFAULT else found


def get(name: str) -> CategorySnapshot:
    """Return the category of this name, folded, whether the catalogue has it or not.

    Topics may name one that it does not have yet; it is ``transactional`` then.
    """
    return categories.get(name) or _unlisted(name)


def default() -> CategorySnapshot:
    """Return the category of what names none."""
    return get(DEFAULT)


def rows() -> QuerySet[Category]:
    """Return the whole catalogue in the order of people's pages."""
    return Category.objects.order_by("position", "name")


def snapshot(row: Category) -> CategorySnapshot:
    """Return the snapshot of a row."""
    return CategorySnapshot(
        name=row.name,
        kind=CategoryKind(row.kind),
        default_locale=row.default_locale,
        display_name=row.display_name,
        description=row.description,
        off=frozenset(channel for channel, on in row.defaults.items() if not on),
        frequency_caps=row.frequency_caps or [],
        digest=row.digest,
    )


def _unlisted(name: str) -> CategorySnapshot:
    texts = DEFAULT_DISPLAY_NAME if name == DEFAULT else {}
    return CategorySnapshot(name, display_name=texts)


def _load(name: str) -> CategorySnapshot | None:
    row = Category.objects.filter(name=name).first()
    return None if row is None else snapshot(row)


def _encode(category: CategorySnapshot) -> dict[str, object]:
    return {**asdict(category), "off": sorted(category.off)}


def _decode(packed: dict[str, Any]) -> CategorySnapshot:
    return CategorySnapshot(
        **{**packed, "kind": CategoryKind(packed["kind"]), "off": frozenset(packed["off"])}
    )


#: Categories by folded name.
categories = CachedLookup("category", _load, _encode, _decode)
