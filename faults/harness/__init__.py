"""The harness of the faults: a service, its load, a trial, and the account of both sides.

In: faults from ``faults.kinds``. Out: results. Imported by ``faults`` and tests.
"""
