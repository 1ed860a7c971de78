"""Helpers without a domain: the database's clock and pool, cached look-ups, arrays, client address.

Imports Django, Redis and ``notifier`` only. Every app may import it.
"""
