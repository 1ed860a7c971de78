"""Ordering keys: what a publisher publishes under one key goes out in the order of acceptance.

In: chunks of notifications with a key. Out: which of them may become deliveries now. Imported by
``intake``, ``fanout``, ``sending.claiming`` and ``state``, which orders the deliveries themselves.
"""
