"""Endpoints for recipients, contacts, preferences, groups and suppressions.

In: publishers' requests. Out: rows, by way of the services, and problems. ``fields`` may be
imported by the serializers of other apps.
"""
