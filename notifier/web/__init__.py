"""The web server's worker: requests are whole before a thread has them, answers gone after it.

Gunicorn's ``gthread`` gives a connection to a thread that then waits for its bytes, so as many
silent connections as there are threads stop it. Here one loop reads all connections and writes
what they are slow to take:

- ``framing``: where a request ends among the bytes that came.
- ``connection``: one client: what it sent, what it has yet to take, and how long it may need.
- ``worker``: Gunicorn's worker class with that loop.

In come bytes, out go Gunicorn's own requests: it parses, limits, logs and answers them as before.
Named by ``config/gunicorn.py``; nothing else imports it.
"""
