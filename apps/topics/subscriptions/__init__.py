"""Write subscriptions: any number in a few statements, and imports of millions from files.

In: validated requests, or files. Out: rows, and the state of each subscription. Imported by ``api``
and by the command ``import_subscriptions``.
"""
