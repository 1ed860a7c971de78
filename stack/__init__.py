"""The stack: everything around the service on one machine, for ``make`` and the tests.

In: targets of the Makefile. Out: servers (PostgreSQL, Redis, RabbitMQ), the Procfile's processes,
the sandbox and the demo, all of which end with the process that started them. ``bench``,
``faults``, ``scale`` and tests import it, never the service.
"""
