"""Helpers without a domain: the database's clock and pool, cached look-ups, arrays, client address.

Imports only Django, Redis and ``notifier``. Imported by every app.
"""
