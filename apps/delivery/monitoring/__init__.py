"""Metrics for Prometheus, health checks, the broker's own figures, and statistics over time.

In: counters of this process and kept counts in PostgreSQL; never a count of rows. Imported by what
sends, by the API and by the admin.
"""
