"""Periodic work: take up what was lost, ring for what is due, drop and roll up old rows.

Run by Celery beat through ``apps.delivery.tasks``; safe to run many times at once.
"""
