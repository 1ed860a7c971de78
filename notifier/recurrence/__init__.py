"""Recurrence: when something that recurs is due, by a rule, on the clocks of a time zone.

A rule yields local days and minutes; a timetable puts them on a zone's clocks, and yields
occurrences, which are moments of UTC. Where clocks go forward, what falls into the skipped time
occurs once, at its end; where they go back, what falls into the doubled time occurs the first time
only.

In: a rule's text, a zone, a moment. Out: occurrences, and which of them are to be run. Every search
is bounded, whatever the rule says. Imported by ``apps.schedules``; imports of ``notifier`` only
``domain.times``.

- ``rules``: what a rule is.
- ``rrule``, ``cron``: read rules from text.
- ``local_time``: from a zone's clocks to UTC.
- ``timetable``: occurrences, ascending or the latest.
- ``planning``: what to run after a while without looking; ``own_zones``: the same, where it is due
  in each recipient's own zone.
"""
