"""Templates, their versions and contents."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from notifier_client.rows.base import TIME, TUPLE, many, write


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateContent:
    """A template's texts on one channel in one locale; ``html`` is for email."""

    channel: str
    locale: str
    title: str | None = None
    body: str | None = None
    html: str | None = None
    data: Mapping[str, Any] | None = None
    actions: Mapping[str, str] | None = None

    def body_of(self) -> dict[str, Any]:
        """Return the body of a request."""
        return write(self, "channel", "locale", "title", "body", "html", "data", "actions")


@dataclass(frozen=True, slots=True)
class Template:
    """A template in one version; versions never change.

    ``category``: of notifications that name none, to no topic that has one.
    """

    name: str
    version: int
    default_locale: str = ""
    display_name: str = ""
    category: str = ""
    created_at: datetime | None = field(default=None, metadata=TIME)
    contents: Sequence[TemplateContent] = field(default=(), metadata=many(TemplateContent))


@dataclass(frozen=True, slots=True)
class TemplateVersion:
    """One version of a template, and its channels and locales."""

    version: int
    default_locale: str
    created_at: datetime = field(metadata=TIME)
    category: str = ""
    channels: tuple[str, ...] = field(default=(), metadata=TUPLE)
    locales: tuple[str, ...] = field(default=(), metadata=TUPLE)


@dataclass(frozen=True, slots=True)
class Preview:
    """A rendered template. ``locale``: the one that was chosen."""

    channel: str
    locale: str
    title: str = ""
    body: str = ""
    html: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    actions: Mapping[str, str] = field(default_factory=dict)
