"""Topics by name, and what people are subscribed to, for preferences.

``apps.topics`` provides the functions, since this app must not import it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple


class SubscribedTopic(NamedTuple):
    """A topic that somebody is subscribed to on ``channels``.

    ``title`` and ``publisher``, who sends it, are as people read them.
    """

    id: int
    name: str
    title: str
    publisher: str
    category: str
    mandatory: bool
    channels: frozenset[str]


class TopicNames(NamedTuple):
    """The functions that ``apps.topics`` provides; see those of the same names below."""

    ids_by_name: Callable[[int, Iterable[str]], Mapping[str, int]]
    names_by_id: Callable[[int, Iterable[int]], Mapping[int, str]]
    names_for_recipient: Callable[[int, Iterable[int]], Mapping[int, str]]
    categories: Callable[[Iterable[int]], Mapping[int, str]]
    of_recipient: Callable[[int], Sequence[SubscribedTopic]]


_provided: list[TopicNames] = []


def provide(names: TopicNames) -> None:
    """Set the functions. ``apps.topics`` calls this once, when it is ready."""
    _provided[:] = [names]


def ids_by_name(publisher_id: int, names: Iterable[str]) -> Mapping[str, int]:
    """Map names to ids, for topics that the publisher may see."""
    return _provided[0].ids_by_name(publisher_id, names)


def names_by_id(publisher_id: int, ids: Iterable[int]) -> Mapping[int, str]:
    """Map ids to names, for topics that the publisher may see."""
    return _provided[0].names_by_id(publisher_id, ids)


def names_for_recipient(recipient_id: int, ids: Iterable[int]) -> Mapping[int, str]:
    """Map ids to names, for these topics and those the recipient is or was subscribed to."""
    return _provided[0].names_for_recipient(recipient_id, ids)


def categories(ids: Iterable[int]) -> Mapping[int, str]:
    """Map ids of topics to categories, whoever owns them."""
    return _provided[0].categories(ids)


def of_recipient(recipient_id: int) -> Sequence[SubscribedTopic]:
    """Return what the recipient is subscribed to now, by title."""
    return _provided[0].of_recipient(recipient_id)
