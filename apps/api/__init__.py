"""The shared parts of all endpoints: parsing, strict serializers, problems, pagination, OpenAPI.

In: a Django request. Out: its validated body or query, or an RFC 9457 problem. Knows neither
models nor publishers: authentication and rate limits are in ``apps.publishers``. Every app may
import it.

Serializers are named ``…In`` where they validate a request body, ``…Query`` where they validate
query parameters and ``…Out`` or ``…Row`` (an item of a list) where they render a response. The
names are those of the OpenAPI components, so renaming a class changes generated clients.
"""
