"""Tools against trouble: breakers, fair queues, concurrency limits, quotas, isolation.

Pure decisions and their asynchronous queues; stores and clocks are passed in. Imported by
``providers`` and ``apps.delivery``.
"""
