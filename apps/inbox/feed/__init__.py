"""The change feed of inboxes: their versions, and the bell that names those that changed.

In: changes of items, by the modules of ``apps.inbox``. Out: what ``apps.inbox.stream`` reads.
"""
