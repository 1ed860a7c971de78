"""Writes to contacts: register, replace, limit, restore; and webhooks' signing secrets.

Set-based: one call writes any number of people. Every change goes to ``audit_trail``.
"""
