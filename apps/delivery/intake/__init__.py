"""Intake: from a checked request to rows that nothing will lose, and the answer to it.

In comes what a publisher posted, already validated by the serializers, or a ``Draft`` that another
part of the service made. Out go a notification, its first chunks, its idempotency key with the
answer, the day's count and the deduplication row, committed together, and then a call to the
workers.

- ``drafts``: ``Draft``, and how one is made of what was posted (``audience``,
  ``template_validation``).
- ``load_shedding``: what is refused while too much waits.
- ``group_commit``: requests that arrive while a transaction commits are stored by the next one.
- ``looking_up``: what a transaction reads: keys, names, the day's counts, the time.
- ``idempotency``, ``deduplication``: accepting the same once.
- ``store``: the one statement that writes.
- ``accept``: the same for a caller that has its own transaction.

Imported by the views that publish and by the parts of the service that notify by themselves
(confirmations, status webhooks). It imports nothing of sending, fan-out or receipts.
"""
