"""The core of Notifier: everything that can be decided from its arguments.

Nothing here knows Django, Celery or a model; clocks, random sources and stores are passed in.

- ``domain``: the vocabulary, values and pure functions.
- ``transport``, ``security``, ``resilience``, ``recurrence``: tools for the layers above them.
- ``channels``, ``templates``: addresses, and the content of messages.
- ``providers``: send messages.
- ``dispatch``: chooses a provider, and decides what follows from an outcome.
- ``receipts``: reads what providers report later.
- ``client`` (of the REST API) and ``web`` (Gunicorn's worker) stand alone.

In: messages and settings. Out: outcomes. Imported by ``apps`` and ``config``; imports neither.
"""
