# Generated from _async by `python packages/python/unasync.py`: edit that.
"""The asynchronous client, from which the synchronous one is generated (``unasync``)."""
