"""Dispatch: which provider gets a message, and what follows from its outcome.

In: messages, and gates of providers that may not be called freely. Out: ``Sent`` with an outcome,
and the state, reason and next attempt that follow. Imported by ``apps.delivery``.
"""
