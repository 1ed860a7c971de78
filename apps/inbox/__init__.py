"""The in-app inbox: items that a claim stores, and the endpoints by which people read them.

In: items from the inbox provider; an end user's token. Out: pages of items. Imported by delivery,
which hands ``services.store`` to the provider.
"""
