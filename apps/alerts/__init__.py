"""Alerts for operators, sent without Notifier's own delivery.

- In: what the database, Redis and the broker say; files and servers that settings name.
- Out: alerts, by mail and webhook, on the admin's start page and from ``manage.py alerts``; a
  metric of certificates.
- ``apps.doctor`` and ``config`` import it.

``rules`` defines each alert, with the names and thresholds of ``deploy/prometheus/rules.yml``;
``conditions`` evaluates them, ``evaluator`` does so periodically, ``alert_states`` says what began
and ended, and ``operator_notices`` sends it.
"""
