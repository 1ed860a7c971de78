"""Changes and repetitions of notifications that were accepted before.

- ``editing``: move or correct one that is scheduled.
- ``replay_family``: a notification and its replays.
- ``replaying``: send one again to those who did not get it.
- ``deliveries_to_replay``: find the deliveries that reached nobody, and their people.
- ``unreached_audience``: find those whom one did not reach, as the audience of another.
"""
