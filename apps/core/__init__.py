"""Helpers without a domain: the database's clock and pool, cached look-ups, arrays, old rows.

Imports Django, Redis and ``notifier`` only. Every app may import it.
"""
