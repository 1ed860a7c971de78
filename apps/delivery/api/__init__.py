"""REST endpoints of notifications, dead letters, status webhooks, statistics, receipts, replies.

- In: requests of publishers, receipts and replies from providers. ``*_views`` hold the endpoints,
  ``*_serializers`` what they read and write; ``publishing`` has those that accept notifications.
- Out: calls of ``intake``, ``operations``, ``receipts``, ``replies`` and ``status_webhooks``, and
  JSON made by ``presenters`` and the serializers.
- Imported by ``apps.delivery.urls`` only.
"""
