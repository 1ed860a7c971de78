"""Contacts: register, replace, limit, disable and restore them; webhooks' signing secrets.

In: validated contacts of any number of people per call. Out: rows, and an entry in ``audit_trail``
for each change. Imported by views, ``apps.topics``, ``apps.inbox`` and ``apps.delivery``.
"""
