"""Bulk actions: what is done to everything that a filter finds, in the background.

- In: calls of the API and buttons of the admin's lists, with the list's own filter.
- Out: a row for each, with its progress, which somebody may abort; what it does goes through the
  functions of ``apps.delivery`` that do the same to one row, in batches.
- Imported by nobody but ``config``.

``running`` begins, works off and aborts them; ``actions`` has one module for each kind.
"""
