"""Security: encryption at rest, webhook signatures, and tokens that others sign (JWT, JWKS).

In: keys, bodies and tokens. Out: ciphertexts, signatures and verified claims. Imported by
``providers``, ``apps`` and ``config``.
"""
