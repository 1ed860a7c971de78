"""Resilience: circuit breakers, fair queues, concurrency limits, quotas, isolation of bad items.

In: outcomes and waiting calls. Out: what may be called now. Stores and clocks are passed in.
Imported by ``providers`` and ``apps.delivery``.
"""
