"""Traces: one for a notification, whatever becomes of it."""
