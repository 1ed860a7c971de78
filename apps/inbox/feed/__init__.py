"""What changed in inboxes: their versions, and the bell that says whose have one.

In: changes of items, by the modules of ``apps.inbox``. Out: what ``apps.inbox.stream`` looks for.
"""
