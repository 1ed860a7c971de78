"""Supervision of processes: none outlives the process that started it.

In: commands. Out: running processes, their ports and logs. Imported by the rest of ``stack``, by
``bench``, ``faults``, ``scale`` and tests.
"""
