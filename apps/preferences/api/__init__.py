"""Endpoints for recipients, contacts, preferences, groups and suppressions."""
