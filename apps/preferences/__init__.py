"""Recipients: people, where they are reached, and what they allow or refuse.

In: what publishers, end users and operators write, and addresses that providers call dead. Out:
contacts, preferences and suppressions, which claims read by SQL. Addresses are encrypted by
``vault`` and found by blind index. Imported by topics, content, inbox and delivery.
"""
