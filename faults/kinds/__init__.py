"""The faults, one module for each thing that breaks.

Each function registered by ``faults.harness.fault.fault`` is a fault: it gets a trial, breaks
something and heals it. Imported by ``faults.harness.suite``.
"""
