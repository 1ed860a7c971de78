"""Calls of a person's own app beside the inbox: settings, choices, quiet hours.

In: requests with a person's token. Out: calls of ``apps.preferences``. Imported by the URLs of
``apps.inbox``.
"""
