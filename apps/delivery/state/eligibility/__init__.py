"""The SQL of who gets a notification: audiences, refusals and frequency caps.

In: nothing; these are parts of statements. Out: text that ``apps.delivery.state`` and
``apps.delivery.fanout`` complete and execute.
"""
