"""Publishers: accounts, API keys, scopes, rate limits, daily quotas and the audit trail.

In: an API key or token, or an operator's command. Out: who asks and what they may do. ``api``
holds the endpoint class that authenticates publishers. Imported by every app above it.
"""
