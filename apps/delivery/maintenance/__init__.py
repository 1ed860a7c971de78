"""Periodic work: release lost claims, ring for due work, retention, roll-up; erasure.

In: the clock, by Celery beat through ``apps.delivery.tasks``. Out: rows changed or deleted. Safe to
run many times at once. Imported by ``apps.delivery.tasks``, ``apps.delivery.apps`` and
``apps.privacy`` only.

- ``sweeper``: release lost claims, and ring for queues with due work.
- ``notification_retention``: delete contents and records by age, category and publisher
  (``RetentionRule``); ``retention`` deletes all other old rows, ``partitions`` whole days.
- ``rollup``: add up old counts.
- ``erasure``: take a person out of this app's rows, for ``apps.privacy``.
"""
