"""The core of Notifier: everything that can be decided from its arguments.

Nothing here knows Django, Celery or a model. Clocks, random sources and stores are passed in.
``domain`` is the vocabulary; ``transport``, ``security`` and ``resilience`` are tools;
``channels`` and ``templates`` make messages; ``providers`` send them, ``dispatch`` decides which
one and what follows; ``receipts`` reads what providers report. ``client`` and ``web`` stand alone.
"""
