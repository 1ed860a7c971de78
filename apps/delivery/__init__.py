"""Notifications and their deliveries, from the request to the proof of what became of each.

A delivery goes ``api`` → ``intake`` → ``outbox`` → (``fanout`` →) ``sending`` → ``state``, and a
provider's later word comes in by ``receipts``. Layers, highest first; each imports only lower ones:

- ``admin``, ``api``, ``tasks``: the doors for operators, publishers and Celery.
- ``maintenance``: the sweeper, retention, roll-ups.
- ``status_webhooks``: publishers hear what became of their deliveries.
- ``operations``: dead letters, explanations, confirmations.
- ``sending``, ``receipts``: what workers do.
- ``fanout``: an audience into chunks.
- ``monitoring``: metrics, health, statistics.
- ``intake``: a request into rows.
- ``flow``: what may go out now.
- ``state``: the only writer of a delivery's state.
- ``ordering``: ordering keys.
- ``outbox``: doorbells, claims, leases.
- ``models``, ``selectors``, ``sealed_content``.
"""
