"""The outbox: rows of what is to be sent, doorbells that announce them, claims that hold them.

In: chunks and due deliveries, written by intake, fan-out and ``state``. Out: claims and locked
rows, for ``apps.delivery.sending``. The tables are authoritative; a doorbell only says that a queue
has work, and may be lost or doubled. Imported by whatever in ``apps.delivery`` creates work or does
it.
"""
