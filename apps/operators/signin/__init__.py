"""Operators' ways into the admin beside the password.

In: the OpenID provider's answers. Out: sessions, accounts with roles, and audit events.
Imported by ``apps.operators.site`` and ``apps.operators.system_pages``.

An operator logs in with a password (``apps.operators.log_in``), or at the company's OpenID provider
(``provider`` speaks with it, ``accounts`` has the account of whom it names). What the provider
decides is not decided here again: it says who somebody is and, by a claim, which roles they have.
"""
