"""Topics by name, for preferences. The topics app, which this one may not import, provides them."""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple


class TopicNames(NamedTuple):
    """Both directions, of the topics a publisher may see, or of those that a recipient was ever
    subscribed to; others are left out. And the topics' categories."""

    ids_by_name: Callable[[int, Iterable[str]], Mapping[str, int]]
    names_by_id: Callable[[int, Iterable[int]], Mapping[int, str]]
    names_for_recipient: Callable[[int, Iterable[int]], Mapping[int, str]]
    categories: Callable[[Iterable[int]], Mapping[int, str]]


_provided: list[TopicNames] = []


def provide(names: TopicNames) -> None:
    """Called once, when the topics app is ready."""
    _provided[:] = [names]


def ids_by_name(publisher_id: int, names: Iterable[str]) -> Mapping[str, int]:
    """Name -> id of those topics that the publisher may see."""
    return _provided[0].ids_by_name(publisher_id, names)


def names_by_id(publisher_id: int, ids: Iterable[int]) -> Mapping[int, str]:
    """Id -> name of those topics that the publisher may see."""
    return _provided[0].names_by_id(publisher_id, ids)


def names_for_recipient(recipient_id: int, ids: Iterable[int]) -> Mapping[int, str]:
    """Id -> name of these topics, and of those that the recipient is or was subscribed to."""
    return _provided[0].names_for_recipient(recipient_id, ids)


def categories(ids: Iterable[int]) -> Mapping[int, str]:
    """Id -> category of topics, whoever owns them."""
    return _provided[0].categories(ids)
