"""REST endpoints of notifications, dead letters, status webhooks, statistics and receipts.

- In: requests of publishers, and receipts of providers. ``*_views`` hold the endpoints,
  ``*_serializers`` what they read and write; ``batch`` is the body of the batch endpoint.
- Out: calls of ``intake``, ``operations``, ``receipts`` and ``status_webhooks``, and JSON made by
  ``presenters`` and the serializers.
- Imported by ``apps.delivery.urls`` only.
"""
