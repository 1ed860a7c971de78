"""Topics, the publishers' grants on them, subscriptions, and their confirmation.

In: publishers' requests, people's confirmations, and files to import. Out: topics from a cache, and
subscriptions, which fan-out reads by SQL. ``apps.delivery`` may import it.

``retry_policies`` validates the policy of a subscription; ``notifier.dispatch`` follows it.
"""
