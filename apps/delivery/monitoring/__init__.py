"""Metrics for Prometheus, health checks, queue depths at the broker, and statistics over time.

- In: counters of the processes, and counts kept in PostgreSQL. No query counts rows.
- Out: the pages ``/metrics``, ``/healthz`` and ``/readyz``, and figures for the API and the admin.
- Imported by ``sending``, ``receipts``, the API, the admin and ``config.urls``.
"""
