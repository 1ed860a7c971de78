"""Encryption at rest, signatures, and tokens that others sign (JWT, JWKS)."""
