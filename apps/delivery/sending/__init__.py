"""Sending: what a worker process does with a queue.

In: chunks and due deliveries of ``apps.delivery.outbox``. Out: results, for
``apps.delivery.state`` to record. A claim goes one way:

1. ``claiming``: claim deliveries of one queue in one transaction.
2. ``messages``: decrypt addresses and render contents, of ``notifications``.
3. ``admission``: ask pauses, breakers and quotas how much may go out now.
4. ``notifier.dispatch``: call the providers, with no transaction open.
5. ``judging``: decide each delivery's new state from its outcome.
6. ``recorder``: write the results of all claims that have some, in one transaction.

``worker`` drives these steps; ``cancellation`` stops messages between 2 and 4; ``capacity`` bounds
what a process holds. Imported by ``tasks`` and ``apps``, which run workers, and by ``api`` and
``admin``, to wait until a cancel has taken effect.
"""
