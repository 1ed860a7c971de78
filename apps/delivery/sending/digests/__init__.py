"""Digests in a claim: who joins one, and what the message says that tells them.

``joining`` asks what notifications, categories and people want, and puts deliveries into digests;
``telling`` takes up what claimed digests tell; ``contents`` renders it. In and out: a claim's rows
and renderers. Imported by ``claiming`` and by the dry run.
"""
