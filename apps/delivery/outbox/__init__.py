"""The outbox: rows that say what is to be sent, and how workers hear of them and hold them.

In: chunks and due deliveries, written by whatever accepts, fans out, records or releases. Out:
claims, for ``apps.delivery.sending``. The tables decide; a doorbell only says that there is
something, and may be lost or doubled. Imported by everything in ``apps.delivery`` that makes work
or does it.
"""
