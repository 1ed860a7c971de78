"""The vocabulary: messages, outcomes, states, priorities, names of queues and deliveries.

Values and pure functions only: no input, no output. Imported by everything; imports nothing else of
``notifier``.
"""
