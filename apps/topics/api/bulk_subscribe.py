"""Subscription requests: validate each item, subscribe the valid ones, return a result for each."""

from collections.abc import Sequence
from typing import cast

from rest_framework.exceptions import ValidationError

from apps.api.problems import ErrorList, Problem, validation_problem
from apps.preferences.contacts.services import Address
from apps.topics import retry_policies
from apps.topics.api.serializers import SubscriptionIn
from apps.topics.api.shapes import PostedSubscription, ReadSubscription
from apps.topics.selectors import TopicSnapshot
from apps.topics.subscriptions import services
from apps.topics.subscriptions.services import Subscribed, Subscriber


def subscribe(
    topic: TopicSnapshot, items: Sequence[object], root: str
) -> list[list[Subscribed] | Problem]:
    """Subscribe the valid ones of ``items``; return each one's subscriptions, or its problem.

    ``root`` is the JSON pointer to the list in the request, empty if the request is the item.
    """
    serializer = SubscriptionIn()
    listed = ErrorList()
    read: list[ReadSubscription | Problem] = []
    for position, item in enumerate(items):
        try:
            read.append(_stored(topic, serializer.run_validation(item)))
        except ValidationError as error:
            read.append(listed.shorten(validation_problem(error, _at(root, position))))
    named = [
        Subscriber(asked["user_id"], channel)
        for asked in read
        if not isinstance(asked, Problem) and "user_id" in asked
        for channel in asked["channels"]
    ]
    people = services.subscribe_recipients(topic, named)
    addresses = {
        position: _address(topic.publisher_id, asked)
        for position, asked in enumerate(read)
        if not isinstance(asked, Problem) and "address" in asked
    }
    endpoints = services.subscribe_endpoints(topic, addresses.values())
    results: list[list[Subscribed] | Problem] = []
    for position, asked in enumerate(read):
        if isinstance(asked, Problem):
            results.append(asked)
        elif position in addresses:
            results.append([endpoints[addresses[position]]])
        elif Subscriber(asked["user_id"], asked["channels"][0]) in people:
            results.append([people[Subscriber(asked["user_id"], one)] for one in asked["channels"]])
        else:
            unknown = unknown_recipient(asked["user_id"], _at(root, position))
            results.append(listed.shorten(unknown))
    services.set_retry_policies(
        {
            one.id: asked["retry_policy"]
            for asked, result in zip(read, results, strict=True)
            if not isinstance(asked, Problem) and "retry_policy" in asked
            if not isinstance(result, Problem)
            for one in result
        }
    )
    return results


def _stored(topic: TopicSnapshot, asked: PostedSubscription) -> ReadSubscription:
    """Return the item with its retry policy in the form that the row stores."""
    if "retry_policy" not in asked:
        return cast(ReadSubscription, asked)  # they differ in the policy only
    if topic.requires_confirmation:
        retry_policies.check_confirmed(asked["retry_policy"])
    policy = retry_policies.stored(topic.publisher_id, asked["retry_policy"])
    return {**asked, "retry_policy": policy}


def unknown_recipient(user_id: str, at: str = "") -> Problem:
    """Return the problem for a ``user_id`` that is no recipient."""
    detail = f"There is no recipient {user_id!r}. PUT /v1/recipients/… creates one."
    errors = [{"pointer": f"{at}/user_id", "detail": detail}]
    return Problem("unknown-recipient", detail, errors=errors)


def _at(root: str, position: int) -> str:
    return f"{root}/{position}" if root else ""


def _address(publisher_id: int, asked: ReadSubscription) -> Address:
    return Address(
        None,
        asked["channel"],
        asked["address"],
        platform=asked.get("platform", ""),
        app=asked.get("app", ""),
        secret=asked.get("secret", ""),
        publisher_id=publisher_id,
    )
