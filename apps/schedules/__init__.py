"""Schedules: notifications that recur, by a rule on a zone's clocks or each recipient's own.

- In: publishers' requests, the clock by Celery beat, and operators.
- Out: notifications, accepted as if they had been posted, and a record of each run. The row of a
  schedule says when its next occurrence is due; whoever locks a due row runs it, and moves it on in
  the transaction that accepts the notification.
- Imported by ``config`` only. Of ``apps.delivery`` it imports ``intake``, and what the endpoints
  that publish are made of.

Modules:

- ``timetables``: a schedule's rule, as ``notifier.recurrence`` takes it.
- ``notifications``: a schedule's notification, validated by the code of the endpoints that publish.
- ``services``: create, change, pause, resume and skip.
- ``running``: the tick that runs what is due, and runs by hand; ``outcomes`` records them.
"""
