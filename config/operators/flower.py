"""Flower's settings that need code, run by its ``--conf``; plain values are in the Procfile."""

from flower.views import monitor
from tornado.web import authenticated

# Flower serves these pages without a login, and /metrics names workers, tasks and their numbers.
for _handler in (monitor.Metrics, monitor.Healthcheck):
    _handler.get = authenticated(_handler.get)
