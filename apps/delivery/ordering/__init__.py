"""Ordering keys: what one publisher posts under one key on one channel goes out in order.

In: chunks with a key. Out: which of them may go now. Imported by intake, fan-out, claims and
``state``.
"""
