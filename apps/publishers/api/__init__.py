"""The API's base view with authentication, scopes and rate limits; API keys and the audit trail.

In: a request. Out: a response, or a problem. ``endpoint.Endpoint`` is the base of every view, so
every app with views may import it.
"""
