"""Partitions by day: made ahead, and dropped with all their rows when their retention is over.

In: the clock, and the ages at which records go
(``apps.delivery.maintenance.notification_retention``). Out: tables created and dropped. Tables that
are not partitioned are left as they are: ``moving`` has the way there and back, and ``indexes`` the
operations of migrations. Imported by
``apps.delivery.maintenance``, ``apps.delivery.tasks``, ``apps.alerts``, ``apps.doctor``, the
command ``partition`` and migrations.
"""
