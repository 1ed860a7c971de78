"""Baselines for comparison: a bare view, HTTP alone, and a naive app.

In: the sink and the database of the service. Out: rates and CPU. Imported by ``bench.benchmarks``.
"""
