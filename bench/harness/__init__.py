"""The harness of the benchmarks: a service, its audience, the sink, meters and reports.

In: names of processes. Out: figures. Imported by ``bench``, ``faults``, ``scale`` and tests.
"""
