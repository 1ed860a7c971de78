"""Celery's worker as configured here: broker, queues, consumer, remote control, periodic tasks.

``config.settings`` and ``config.celery`` import it, and Celery loads ``consumer`` and ``control``
by name.
"""
