"""Secrets for tests that need no server, so that pytest runs them without ``make test``.

Loaded by ``addopts``, before pytest-django reads the settings.
"""

import os

from config.secrets import fresh

#: True if no servers were given: only ``tests/unit`` can run.
BARE = "DATABASE_URL" not in os.environ

if BARE:
    for _name, _value in fresh().items():
        os.environ.setdefault(_name, _value)
