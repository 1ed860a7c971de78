"""Endpoints for topics, grants, subscriptions and their confirmation."""
