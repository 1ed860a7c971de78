"""Recipients named in a request, and the channels on which they can be reached."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from django.conf import settings

from apps.preferences.selectors import Reached


class UnknownRecipients(Exception):
    """Some ``user_ids`` do not exist. ``args[0]`` lists them."""


def select(user_ids: Sequence[str], known: Mapping[str, Reached]) -> dict[str, Reached]:
    """Pick the named ones of ``known``, in the order named. Raises ``UnknownRecipients``."""
    missing = [user_id for user_id in user_ids if user_id not in known]
    if missing:
        raise UnknownRecipients(missing)
    return {user_id: known[user_id] for user_id in user_ids}


def reachable_channels(people: Collection[Reached]) -> list[str]:
    """Return the channels on which at least one has an active contact, in the settings' order."""
    return [name for name in settings.CHANNELS if any(name in one.channels for one in people)]


def address_warnings(
    people: Mapping[str, Reached], channels: Sequence[str], pointer: str
) -> Iterator[dict[str, str]]:
    """Yield a warning for each of ``channels`` on which some recipients have no address.

    ``pointer``: JSON pointer to where the request names the channels.
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
