"""Publishers: accounts, API keys, scopes, rate limits, daily quotas and the audit trail.

In: an API key or token, or an operator's command. Out: the authenticated publisher and key, and
what they may do. ``api`` holds ``Endpoint``, the base of every view. Every app may import it,
except ``apps.api`` and ``apps.core``.

``limits`` has the rate limits, by the second; ``daily_quota`` the notifications a day; ``usage``
how many there were. Quotas of providers' accounts are in ``apps.delivery.flow``.
"""
