"""Faults of what is sent later: schedules and digests."""
