"""Pages that people open from links in messages, without logging in: to leave, and to choose.

In: the token of a link (``apps.preferences.links``), and forms. Out: pages in the person's
language, and changed preferences and subscriptions, each in the audit trail and reported to the
publisher. Imported by ``config`` alone.
"""
