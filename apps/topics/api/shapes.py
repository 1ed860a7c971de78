"""The shapes of validated requests about subscriptions."""

from typing import TypedDict

from apps.topics.stored_policies import PostedPolicy, StoredPolicy


class PostedSubscriber(TypedDict, total=False):
    """A recipient on channels, or a bare endpoint, as ``UnsubscribeIn`` validated it."""

    user_id: str
    channels: list[str]
    channel: str
    address: str
    platform: str


class _Subscribed(PostedSubscriber, total=False):
    app: str
    secret: str


class PostedSubscription(_Subscribed, total=False):
    """A subscription as ``SubscriptionIn`` validated it."""

    retry_policy: PostedPolicy | None


class ReadSubscription(_Subscribed, total=False):
    """A posted subscription with its retry policy as the row stores it."""

    retry_policy: StoredPolicy | None
