"""Grafana's dashboards, and the description that they are written from."""
