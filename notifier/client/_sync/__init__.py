# Generated from notifier/client/_async by `python -m notifier.client.unasync`: edit that.
"""The asynchronous client, from which the synchronous one is generated (``unasync``)."""
