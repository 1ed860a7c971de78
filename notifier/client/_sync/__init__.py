# Generated from notifier/client/_async by `python -m notifier.client.unasync`: edit that.
