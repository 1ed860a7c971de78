"""Fault injection (``make faults``): break one thing at a time under a known load.

In: names of faults, and a seed. Out: a table and JSON with what was lost, sent twice or too late,
by comparing the database with what the stand-in providers received. See docs/faults.md. Only tests
import it.
"""
