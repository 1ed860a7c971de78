"""Personal data: erase a person, and export what is held about one.

- In: requests of the API, the admin and ``manage.py``, and Celery beat.
- Out: calls of the functions by which each app erases or exports its own rows, and the progress of
  each erasure.
- Imported by ``config`` only: it is the one app that knows all others.
"""
