"""Files that operators load into other programs: rules for Prometheus, dashboards for Grafana."""
