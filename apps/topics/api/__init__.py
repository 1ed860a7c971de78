"""Endpoints for topics, grants, subscriptions and their confirmation.

In: requests of publishers, and of people who confirm. Out: rows, by way of the services, and
problems. Imported by ``urls`` only.
"""
