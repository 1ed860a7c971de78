"""The conditions of alerts: what the database, Redis, the broker and certificates say now.

In: nothing. Out: for each alert's name what it is about, with a sentence. ``apps.alerts`` alone
imports it.
"""
