"""The benchmarks, one module each, with ``PROCESSES`` and ``measure``.

In: a running ``bench.harness.service.Service``. Out: a ``bench.harness.report.Report``. Imported by
``bench.__main__`` and tests.
"""
