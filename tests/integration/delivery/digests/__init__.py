"""Digests, from what joins one to what becomes of what it tells."""
