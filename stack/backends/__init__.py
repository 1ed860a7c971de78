"""Servers for the service: embedded PostgreSQL and Redis, Debian's RabbitMQ and PgBouncer.

In: a state directory. Out: running servers with a ``url``. Imported by ``stack``, ``bench``,
``faults``, ``scale`` and tests.
"""
