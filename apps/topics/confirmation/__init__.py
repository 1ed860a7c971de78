"""Double opt-in: which subscriptions are asked to confirm, and the tokens that confirm them.

In: subscriptions that need a confirmation, and tokens. Out: confirmation requests, which
``apps.delivery`` sends, and confirmed subscriptions. Imported by ``api`` and ``apps.delivery``.
"""
