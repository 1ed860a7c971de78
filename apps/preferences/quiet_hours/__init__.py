"""Quiet hours of people: their own schedules, and the company's for everybody else.

In: rows of recipients. Out: until when a person's messages on a channel wait. Imported by this
app's API, by ``apps.inbox`` and by the claims of ``apps.delivery``. The calculation is
``notifier.domain.times.quiet_hours``.
"""
