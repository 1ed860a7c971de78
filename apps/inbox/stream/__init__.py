"""The live inbox: server-sent events of what changes, from an ASGI process of its own.

In: connections with an end user's token or ticket; messages of the bell. Out: events. PostgreSQL
has what changed (``apps.inbox.feed``), the bell names the inboxes to read, and what it does not
name is found by polling all versions now and then. ``config.web.stream`` runs it; others import
``tickets``.

- ``application``: accept connections, within the limits for the process, a person and an origin.
- ``hub``: all connections of the process, and the loops that send them what changed.
- ``connections``, ``events``: one connection, and what is written to it.
- ``bell_listener``, ``events_of_inboxes``, ``statements``: find and read what changed.
- ``tickets``: credentials in a URL.
"""
