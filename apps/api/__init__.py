"""The shared parts of all endpoints: parsing, strict serializers, problems, pagination, OpenAPI.

In: a Django request. Out: its validated body or query, or an RFC 9457 problem. Knows neither
models nor publishers: authentication and rate limits are in ``apps.publishers``. Every app may
import it.

Name serializers ``…In`` if they validate a body, ``…Query`` if they validate query parameters, and
``…Out`` if they render a response. The names of classes are those of OpenAPI components, and so of
classes in generated clients: one that is renamed keeps its component with ``component_name``, as do
the serializers derived from it.
"""
