"""The page of what is held after a restore: it is listed, released and cancelled.

In: requests of the admin. Out: pages, and calls of ``apps.delivery.holding``. Imported by
``apps.delivery.admin`` only.
"""
