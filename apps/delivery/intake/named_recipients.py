"""Who a notification names, and where they can be reached."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from django.conf import settings

from apps.preferences.selectors import Reached


class UnknownRecipients(Exception):
    """Some ``user_ids`` are nobody's. ``args[0]`` lists them."""


def named(user_ids: Sequence[str], known: Mapping[str, Reached]) -> dict[str, Reached]:
    """Each of them with their channels. Raises ``UnknownRecipients``."""
    missing = [user_id for user_id in user_ids if user_id not in known]
    if missing:
        raise UnknownRecipients(missing)
    return {user_id: known[user_id] for user_id in user_ids}


def reachable_channels(people: Collection[Reached]) -> list[str]:
    """The channels on which at least one of them has an active contact, in settings order."""
    return [name for name in settings.CHANNELS if any(name in one.channels for one in people)]


def unreached(
    people: Mapping[str, Reached], channels: Sequence[str], pointer: str
) -> Iterator[dict[str, str]]:
    """A warning for each of ``channels`` on which some of these have no address.

    ``pointer`` says where the request names the channels.
    """
    for channel in channels:
        without = [user_id for user_id, one in people.items() if channel not in one.channels]
        if not without:
            continue
        if len(people) == 1:
            who = f"{without[0]!r} has"
        else:
            who = f"{len(without)} of {len(people)} recipients have"
        yield {
            "pointer": pointer,
            "detail": f"{who} no address on {channel}: nothing is sent to them there. Register "
            "one with PUT /v1/recipients/{user_id}.",
        }
