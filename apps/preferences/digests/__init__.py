"""Digests: how often people want to be sent what may wait, and what the company asks for.

``choices`` reads both for claims, ``services`` writes what people chose, and ``fields`` has the
parts of requests. Imported by this app's API, by ``apps.inbox`` and ``apps.pages``, and by the
claims and the intake of ``apps.delivery``. When a digest closes is worked out in
``notifier.domain.digests``.
"""
