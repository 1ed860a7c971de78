"""Messages about alerts, and the two ways by which they leave.

In: alerts, and what is to be said of each. Out: one mail, one call of a webhook. Neither passes
through Notifier's own queues and providers.
"""
