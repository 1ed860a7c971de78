"""Wishes to be subscribed as they came in, and what became of each."""

from collections.abc import Mapping, Sequence
from typing import Any

from rest_framework.exceptions import ValidationError

from apps.api.problems import ErrorList, Problem, invalid
from apps.preferences.contacts.services import Address
from apps.topics import retry_policies
from apps.topics.api.serializers import SubscriptionIn
from apps.topics.selectors import TopicSnapshot
from apps.topics.subscriptions import services
from apps.topics.subscriptions.services import Subscribed


def fulfil(
    topic: TopicSnapshot, items: Sequence[Any], root: str
) -> list[list[Subscribed] | Problem]:
    """Subscribe those of ``items`` that are valid; for each its subscriptions, or a problem.

    ``root`` is the JSON pointer of the list in the request; empty where the request is the item.
    """
    serializer = SubscriptionIn()
    listed = ErrorList()
    read: list[Mapping[str, Any] | Problem] = []
    for position, item in enumerate(items):
        try:
            read.append(_stored(topic, serializer.run_validation(item)))
        except ValidationError as error:
            read.append(listed.shorten(invalid(error, _at(root, position))))
    named = [
        (wish["user_id"], channel)
        for wish in read
        if not isinstance(wish, Problem) and "user_id" in wish
        for channel in wish["channels"]
    ]
    people = services.subscribe_recipients(topic, named)
    addresses = {
        position: _address(topic.publisher_id, wish)
        for position, wish in enumerate(read)
        if not isinstance(wish, Problem) and "address" in wish
    }
    endpoints = services.subscribe_endpoints(topic, addresses.values())
    results: list[list[Subscribed] | Problem] = []
    for position, wish in enumerate(read):
        if isinstance(wish, Problem):
            results.append(wish)
        elif position in addresses:
            results.append([endpoints[addresses[position]]])
        elif (wish["user_id"], wish["channels"][0]) in people:
            results.append([people[wish["user_id"], channel] for channel in wish["channels"]])
        else:
            unknown = unknown_recipient(wish["user_id"], _at(root, position))
            results.append(listed.shorten(unknown))
    services.set_retry_policies(
        {
            one.id: wish["retry_policy"]
            for wish, result in zip(read, results, strict=True)
            if not isinstance(wish, Problem) and "retry_policy" in wish
            if not isinstance(result, Problem)
            for one in result
        }
    )
    return results


def _stored(topic: TopicSnapshot, wish: dict[str, Any]) -> dict[str, Any]:
    """The wish with its retry policy as the row keeps it."""
    if "retry_policy" not in wish:
        return wish
    if topic.requires_confirmation:
        retry_policies.check_confirmed(wish["retry_policy"])
    return {**wish, "retry_policy": retry_policies.stored(topic.publisher_id, wish["retry_policy"])}


def unknown_recipient(user_id: str, at: str = "") -> Problem:
    """The answer about somebody who was never written."""
    detail = f"There is no recipient {user_id!r}. PUT /v1/recipients/… creates one."
    errors = [{"pointer": f"{at}/user_id", "detail": detail}]
    return Problem("unknown-recipient", detail, errors=errors)


def _at(root: str, position: int) -> str:
    return f"{root}/{position}" if root else ""


def _address(publisher_id: int, wish: Mapping[str, Any]) -> Address:
    return Address(
        None,
        wish["channel"],
        wish["address"],
        platform=wish.get("platform", ""),
        app=wish.get("app", ""),
        secret=wish.get("secret", ""),
        publisher_id=publisher_id,
    )
