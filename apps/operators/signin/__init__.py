"""Operators' ways into the admin beside the password, and their sessions.

In: the OpenID provider's answers, codes of authenticator apps. Out: sessions, accounts with roles,
and audit events. Imported by ``apps.operators``, ``apps.doctor`` and ``apps.privacy``, which
rotates the key of the secrets.

An operator logs in with a password (``apps.operators.log_in``), or at the company's OpenID provider
(``provider`` speaks with it, ``discovery`` reads what it says of itself, ``accounts`` has the
account of whom it names, ``back_channel`` reads its orders to log somebody out). What the provider
decides is not decided here again: it says who somebody is and, by a claim, which roles they have.

A right password of somebody with a second factor is half a log-in (``pending_log_in``), which opens
the pages of the second factor (``second_factor``) and no others. ``session_list`` knows who is
logged in, and ends sessions.
"""
