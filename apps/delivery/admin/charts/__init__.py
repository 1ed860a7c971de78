"""Charts of attempts over time, for all providers and for each, with what changed meanwhile.

In: requests of the admin. Out: pages, and charts for other pages (``drawing``). Imported by
``apps.delivery.admin`` only.
"""
