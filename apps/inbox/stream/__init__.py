"""The live inbox: server-sent events of what changes, from an ASGI process of its own.

In: connections with an end user's token or ticket; messages of the bell. Out: events. PostgreSQL
has what changed (``apps.inbox.feed``), the bell says where to look, and what it does not say is
found by looking at all versions now and then. ``config.web.stream`` runs it; others import
``tickets``.
"""
