"""How Notifier scales past one machine: hosts that are network namespaces, and what they measure.

``hosts`` makes them, ``lab`` runs the service on them, ``measure`` has it work, and ``report`` says
what was found beside what it has to be.
"""
