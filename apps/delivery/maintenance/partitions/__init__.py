"""Partitions by day: made ahead, and dropped with all their rows when their retention is over.

In: the clock, and the ages at which records go (``apps.delivery.maintenance.notifications``). Out:
tables created and dropped. A table that is not partitioned yet is left as it is: ``moving`` has the
way there. Imported by ``apps.delivery.maintenance``, ``apps.delivery.tasks``, the migration that
partitions empty tables, and the command ``partition``.
"""
