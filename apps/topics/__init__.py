"""Topics: names that people subscribe to, who may publish to them, and who is subscribed.

In: what publishers, end users and CSV files say. Out: topics from a cache, and subscriptions,
which fan-out reads by SQL. Imported by delivery.
"""
