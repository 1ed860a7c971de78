"""Receipts: what providers report later, stored as it comes, then applied to deliveries.

In: signed requests of providers. Out: moves by ``apps.delivery.state``. ``attribution`` decides
whether a receipt is about a message of ours. Imported by the API, tasks and maintenance.
"""
