"""What every endpoint shares: parsing, strict serializers, problems, pagination, OpenAPI.

In: a Django request. Out: its validated body or query, or an RFC 9457 problem. Knows no model and
no publisher: who asks, and how often they may, is ``apps.publishers.api``. Imported by every app.
"""
