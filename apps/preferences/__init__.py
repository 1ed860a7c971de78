"""Recipients: people, their contacts, groups, preferences and suppressions.

In: requests of publishers and end users, operators' changes, and addresses that providers report
as dead. Out: contacts, preferences and suppressions, which claims read by SQL. Addresses are
encrypted by ``vault`` and found by blind index. ``apps.topics``, ``content``, ``inbox`` and
``delivery`` may import it.
"""
