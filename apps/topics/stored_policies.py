"""The shapes of retry policies: as publishers post them and as rows store them."""

from typing import Literal, NotRequired, TypedDict, final


@final
class ContactRef(TypedDict):
    """The endpoint of a stored policy: its address is in the contact and nowhere else."""

    contact_id: int


#: The action after the last attempt of a stored policy.
AfterLast = Literal["dead_letter"] | ContactRef


class StoredPolicy(TypedDict):
    """A policy in the JSON of a topic's or subscription's row.

    ``schedule``: seconds to wait after each attempt. ``attempts``: one more than waits if absent.
    ``after_last``: a dead letter if absent.
    """

    schedule: list[float]
    attempts: NotRequired[int]
    after_last: NotRequired[AfterLast]


@final
class PostedEndpoint(TypedDict):
    """The endpoint of a posted policy, as ``EndpointIn`` validated it."""

    channel: str
    address: str
    secret: NotRequired[str]


#: The action after the last attempt of a posted policy.
PostedAfterLast = Literal["dead_letter"] | PostedEndpoint


class PostedPolicy(TypedDict):
    """A policy as ``RetryPolicyField`` validated it."""

    schedule: list[float]
    attempts: NotRequired[int]
    after_last: NotRequired[PostedAfterLast]


class ShownEndpoint(TypedDict):
    """The endpoint of a policy in a response."""

    channel: str
    #: Masked.
    address: str


class ShownPolicy(TypedDict):
    """A policy with its defaults, before its endpoint is rendered."""

    schedule: list[float]
    attempts: int
    after_last: AfterLast
