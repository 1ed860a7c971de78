"""Times on people's own clocks: a local time, and quiet hours."""
