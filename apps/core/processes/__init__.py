"""The process that this is: its kind, its heartbeat, and whether its threads come round.

In: the command line, and calls of whatever does work. Out: a metric, and what a probe answers.
Imported by whatever runs in a process of the Procfile.
"""
