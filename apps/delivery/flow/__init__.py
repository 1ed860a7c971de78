"""Flow control: pauses, breakers, guards and quotas decide what may go out now, and how much.

In: outcomes and receipts, and operators' switches. Out: allowances and grants for
``sending.admission``, and statuses for operators and Prometheus. Imported by ``sending``,
``receipts``, ``intake``, ``operations``, ``maintenance``, ``monitoring`` and ``admin``; imports
none of them.
"""
