"""Times on people's own clocks: a local time, and quiet hours.

In: wall times, weekly windows and zones. Out: moments in unix seconds. Imported by whatever decides
when somebody is sent something.
"""
