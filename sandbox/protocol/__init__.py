"""HTTP/1.1 and HTTP/2 on a connection, able to misbehave on one request.

In: bytes. Out: ``Request``s for a handler, whose ``Answer``s are sent. Imported by the rest of the
sandbox.
"""
