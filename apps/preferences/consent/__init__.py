"""Writes to what people allow and refuse: preferences, and suppressed addresses.

Set-based: one call writes any number of people. Every change goes to ``audit_trail``.
"""
