"""From messages to outcomes, and from an outcome to what follows.

In: messages and gates. Out: ``Sent``, and the state, reason and time of a next attempt. Imported by
``apps.delivery``.
"""
