"""Endpoints that providers call: receipts, and replies to text messages.

In: requests that a provider has signed. Out: rows of ``apps.delivery.receipts``, and what
``apps.delivery.replies`` does. Imported by the URLs of ``apps.delivery``.
"""
