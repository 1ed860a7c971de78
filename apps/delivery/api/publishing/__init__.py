"""Publishing: to topics, groups and named people, one by one, in batches, and as a dry run.

- In: requests of publishers. ``views`` and ``dry_run_views`` hold the endpoints, ``serializers``
  and ``contents`` what they read and write, ``batch`` the body of the batch endpoint, ``openapi``
  what the schema says of them; ``idempotent`` answers a repeated request as the first time.
- Out: calls of ``intake`` and ``operations.dry_run``, and JSON made by ``presenters``.
- Imported by ``apps.delivery.urls`` and ``apps.schedules``, which takes the same bodies.
"""
