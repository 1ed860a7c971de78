"""Transactional traffic: notifications to one recipient each.

In: a running ``bench.harness.service.Service``. Out: a ``bench.harness.report.Report``, which
``report`` makes of what ``measuring`` found. Imported by ``bench.__main__`` and tests.
"""

from bench.benchmarks.transactional.measuring import FULL, PROCESSES, measure

__all__ = ["FULL", "PROCESSES", "measure"]
