"""Intake: turns a validated request into committed rows, and makes its answer.

- In: a publisher's request, validated by the serializers, or a ``Draft`` made by another part of
  the service.
- Out: a notification, its first chunks, its idempotency key with the answer, the day's count and
  the deduplication row, committed together; then a doorbell to the workers.
- Imported by the views that publish, by the parts of the service that notify by themselves
  (confirmations, status webhooks), and by the metrics. It imports nothing of sending, fan-out or
  receipts.

Modules:

- ``drafts``: ``Draft``, made of a request (``bodies``) with ``named_recipients`` and
  ``template_validation``.
- ``load_shedding``: refuses low, then normal priority under overload.
- ``group_commit``: stores requests that arrive together in one transaction.
- ``lookups``: the one statement that such a transaction reads with.
- ``idempotency``, ``deduplication``: accept the same request, or the same content, once; the check
  of an idempotency key is in the former.
- ``accept``: the one statement that it writes with, from the tuples in ``rows``; also stores drafts
  of the service's own in their caller's transaction.
- ``template_sends``: a template to one recipient, for operators who want to see it.
"""
