"""The core of Notifier: everything that can be decided from its arguments.

Nothing here knows Django, Celery or a model. Clocks, random sources and stores are passed in.
"""
