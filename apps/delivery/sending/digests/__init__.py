"""Digests in a claim: who joins one, and what the message says that tells them.

``joining`` asks what notifications, categories and people want, and puts deliveries into digests;
``digest_rendering`` takes up the members of claimed digests; ``contents`` renders them. In and out:
a claim's rows and renderers. Imported by ``claiming`` and by the dry run.
"""
