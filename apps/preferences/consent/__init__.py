"""Consent: preferences and suppressed addresses.

In: updates for any number of people per call. Out: rows, and an entry in ``audit_trail`` for each
change. Imported by views, by ``contacts`` and by ``apps.delivery``.
"""
