"""Quiet hours, from the schedule to the deferral and what becomes of it."""
