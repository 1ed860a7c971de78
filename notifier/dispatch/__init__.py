"""Dispatch: which provider gets a message, and whether and when it is retried after a failure.

In: messages, and gates of providers that may not be called freely. Out: ``Sent`` with an outcome,
and the state, reason and next attempt that follow. Imported by ``apps.delivery``.

- ``dispatcher``: send through the first provider that takes a message.
- ``failover``: the failures after which the channel's next provider is called at once.
- ``resolution``: decide on retries, by the retry policy (``notifier.domain.backoff``).
"""
