"""Gunicorn's worker: a thread gets a request when it is complete, and never waits for a client.

Gunicorn's ``gthread`` gives a connection to a thread, which then waits for its bytes; as many
silent connections as there are threads stop the server. Here one loop reads all connections, and
sends what slow clients have not taken yet:

- ``framing``: where a request ends among the bytes that have arrived.
- ``connection``: one client: its request, its unsent answer, its deadline.
- ``worker``: Gunicorn's worker class with that loop.

In: bytes. Out: Gunicorn's own requests, which it parses, limits, logs and answers as before. Named
by ``config/gunicorn.py``; nothing else imports it.
"""
