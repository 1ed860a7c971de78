"""One file a provider: ``send`` and what its answers mean.

``base.Provider.send_chunk(messages, report)`` reports each message as soon as it is done;
``notifier.dispatch`` builds providers from settings and chooses among them.
"""
