"""Endpoints for publishers: authentication, scopes and rate limits, API keys, the audit trail.

``endpoint.Endpoint`` is the base of every view that a publisher calls.
"""
