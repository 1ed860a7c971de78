"""Flower's settings that are more than a value; it runs this file (`--conf`). The others are in the
Procfile."""

from flower.views import monitor
from tornado.web import authenticated

# Flower answers these to everybody, and /metrics names workers, tasks and how many there are.
for _handler in (monitor.Metrics, monitor.Healthcheck):
    _handler.get = authenticated(_handler.get)
