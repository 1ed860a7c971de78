"""Topics and subscriptions."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from notifier_client._async.base import AsyncCalls, segment
from notifier_client.rows import (
    Subscriber,
    Subscription,
    SubscriptionResult,
    Topic,
    TopicStatistics,
)
from notifier_client.rows.base import read, write_query


class AsyncTopics(AsyncCalls):
    """Methods for topics that you own or were granted, and their subscriptions."""

    async def create_topic(self, name: str, **fields: Any) -> Topic:
        """Create a topic. ``fields`` are those of ``update_topic``.

        Raises ``Conflict`` where the name is taken.

            await client.create_topic("offers", category="marketing", default_priority="low")
        """
        body = {"name": name, **fields}
        answer = await self._http.request("POST", "/v1/topics", body, repeatable=False)
        return read(Topic, answer.body)

    async def get_topic(self, name: str) -> Topic:
        """Return a topic that you own or were granted."""
        return read(Topic, (await self._http.request("GET", _topic(name))).body)

    def list_topics(self) -> AsyncIterator[Topic]:
        """List the topics that you own or were granted, oldest first."""
        return self._pages(Topic, "/v1/topics")

    async def update_topic(self, name: str, **fields: Any) -> Topic:
        """Change a topic of yours.

        ``fields``: ``display_name``, ``category``, ``default_priority``, ``mandatory``,
        ``requires_confirmation``, ``paused``, ``retry_policy`` (``{"schedule": [seconds, …],
        "attempts": n, "after_last": …}``), ``delay`` (seconds).
        """
        return read(Topic, (await self._http.request("PATCH", _topic(name), fields)).body)

    async def delete_topic(self, name: str) -> None:
        """Delete a topic of yours. Notifications accepted before are still delivered."""
        await self._http.request("DELETE", _topic(name), repeatable=False)

    async def grant(self, topic: str, publisher: str) -> None:
        """Let another publisher read a topic of yours and publish to it."""
        await self._http.request("PUT", f"{_topic(topic)}/grants/{segment(publisher)}")

    async def revoke(self, topic: str, publisher: str) -> None:
        """Revoke a grant, from the next request on."""
        await self._http.request("DELETE", f"{_topic(topic)}/grants/{segment(publisher)}")

    async def topic_statistics(
        self, topic: str, *, since: datetime | None = None, until: datetime | None = None
    ) -> TopicStatistics:
        """Return counts of the deliveries of a topic of yours, now and by hour.

        statistics = await client.topic_statistics("offers")
        print(statistics.now.waiting, [hour.sent for hour in statistics.hours])
        """
        query = write_query({"from": since, "to": until})
        answer = await self._http.request("GET", f"{_topic(topic)}/statistics", query=query)
        return read(TopicStatistics, answer.body)

    # -- Subscriptions ------------------------------------------------------------------------

    async def subscribe(
        self,
        topic: str,
        *,
        user_id: str | None = None,
        channels: Sequence[str] | None = None,
        channel: str | None = None,
        address: str | None = None,
        platform: str | None = None,
        app: str | None = None,
        secret: str | None = None,
        retry_policy: Mapping[str, Any] | None = None,
    ) -> list[Subscription]:
        """Subscribe a recipient on channels, or a bare endpoint. A repetition changes nothing.

        Where the topic requires confirmation, subscriptions are ``pending`` until confirmed.

            await client.subscribe("orders", user_id="ada", channels=["push", "inbox"])
            await client.subscribe("orders", channel="email", address="desk@example.com")
        """
        subscriber = Subscriber(
            user_id=user_id,
            channels=channels,
            channel=channel,
            address=address,
            platform=platform,
            app=app,
            secret=secret,
            retry_policy=retry_policy,
        )
        path = f"{_topic(topic)}/subscriptions"
        answer = await self._http.request("POST", path, subscriber.body_of())
        return [read(Subscription, row) for row in answer.body["subscriptions"]]

    async def subscribe_many(
        self, topic: str, subscribers: Iterable[Subscriber]
    ) -> list[SubscriptionResult]:
        """Subscribe any number, 1,000 a call; return results in their order.

        people = [Subscriber(user_id="ada", channels=["email"]), …]
        await client.subscribe_many("offers", people)
        """
        return await self._bulk(
            SubscriptionResult,
            f"{_topic(topic)}/subscriptions",
            "subscriptions",
            (subscriber.body_of() for subscriber in subscribers),
        )

    async def unsubscribe(
        self,
        topic: str,
        *,
        user_id: str | None = None,
        channels: Sequence[str] | None = None,
        channel: str | None = None,
        address: str | None = None,
        platform: str | None = None,
    ) -> int:
        """End a recipient's subscriptions, on some channels or all, or a bare endpoint's.

        Returns how many ended; 0 where there were none.
        """
        who = Subscriber(
            user_id=user_id, channels=channels, channel=channel, address=address, platform=platform
        )
        answer = await self._http.request("POST", f"{_topic(topic)}/unsubscribe", who.body_of())
        return int(answer.body["unsubscribed"])

    def list_subscriptions(
        self, topic: str, *, state: str | None = None, channel: str | None = None
    ) -> AsyncIterator[Subscription]:
        """List a topic's subscriptions, oldest first; pages are read while iterating."""
        path = f"{_topic(topic)}/subscriptions"
        return self._pages(Subscription, path, state=state, channel=channel)

    async def delete_subscription(self, topic: str, subscription_id: int) -> None:
        """End one subscription by its id."""
        path = f"{_topic(topic)}/subscriptions/{subscription_id}"
        await self._http.request("DELETE", path, repeatable=False)

    async def send_confirmation(self, topic: str, subscription_id: int) -> None:
        """Send a pending subscription's confirmation again. Raises ``RateLimited`` if too soon."""
        path = f"{_topic(topic)}/subscriptions/{subscription_id}/confirmation"
        await self._http.request("POST", path, repeatable=False)

    async def confirm(self, token: str) -> Mapping[str, Any]:
        """Confirm with the token that was sent on the channel; return the topic and the channel."""
        answer = await self._http.request("POST", "/v1/confirmations", {"token": token})
        found: Mapping[str, Any] = answer.body
        return found


def _topic(name: str) -> str:
    return f"/v1/topics/{segment(name)}"
