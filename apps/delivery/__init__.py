"""Notifications and their deliveries, from the request to the record of each outcome.

A delivery goes ``api`` → ``intake`` → ``outbox`` → (``fanout`` →) ``sending`` → ``state``. Later
receipts come in by ``receipts``. Each layer imports only those below it; highest first:

- ``admin``, ``api``, ``tasks``: the entry points for operators, publishers and Celery.
- ``maintenance``: the sweeper, retention, roll-up.
- ``replies``: text messages that people write to our senders.
- ``status_webhooks``: report deliveries' states to publishers.
- ``operations``: dead letters, explanations, confirmations.
- ``sending``, ``receipts``: the work of workers.
- ``fanout``: from an audience to chunks.
- ``monitoring``: metrics, health, statistics.
- ``intake``: from a request to rows.
- ``flow``: what may go out now.
- ``state``: the only writer of a delivery's state.
- ``ordering``: ordering keys.
- ``outbox``: doorbells, claims, leases.
- ``models``, ``selectors``, ``sealed_content``.
"""
