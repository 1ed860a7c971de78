"""The in-app inbox: its items, and the endpoints by which people read and change them.

In: messages of the inbox provider; requests with an end user's token. Out: pages of items.
``apps.delivery`` may import it, and passes ``services.store`` to the provider.
"""
