"""Metrics for Prometheus, health checks, queue depths at the broker, and statistics over time.

- In: counters of the processes, and counts kept in PostgreSQL. No query counts rows.
- Out: the pages ``/metrics``, ``/healthz`` and ``/readyz``, figures for the API and the admin, and
  the probe of processes without pages.
- Imported by ``sending``, ``receipts``, the API, the admin and ``config.urls``.
"""
