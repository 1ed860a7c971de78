"""Endpoints: publish, read notifications and statistics, redrive, status webhooks, receipts.

In: requests of publishers, and of providers for receipts. Out: JSON made by ``presenters``.
Imported by ``urls`` alone.
"""
