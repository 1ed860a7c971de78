"""Intake: from a checked request to rows that nothing will lose, and the answer to it.

- ``load_shedding``: what is refused while too much waits.
"""
