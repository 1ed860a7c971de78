"""Tables of the outbox: what is to be sent, in chunks, and what workers hold of it, in claims.

Import the models from ``apps.delivery.models``.
"""
