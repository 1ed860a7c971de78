"""Periodic work: release lost claims, ring for due work, delete and roll up old rows; erasure.

In: the clock, by Celery beat through ``apps.delivery.tasks``. Out: rows changed or deleted. Safe to
run many times at once. Imported by ``apps.delivery.tasks``, ``apps.delivery.apps`` and
``apps.privacy`` only.
"""
