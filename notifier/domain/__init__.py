"""The vocabulary that all else is written in: messages, outcomes, states, priorities, names.

Values and pure functions. Imported by everything, imports nothing of ``notifier``.
"""
