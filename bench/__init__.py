"""The benchmarks (``make bench``): figures of the service, each with its bar.

In: names of benchmarks. Out: printed tables, and JSON and pictures in ``bench/results``. ``faults``
and ``scale`` use its harness; otherwise only tests import it. See docs/benchmarks.md.
"""
