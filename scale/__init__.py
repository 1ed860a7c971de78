"""Scaling: how Notifier scales past one machine, measured on network namespaces as hosts.

``hosts`` creates them, ``lab`` runs the service on them, ``measure`` loads it, ``report`` compares
figures with bars. In: the number of hosts. Out: tables, JSON and a picture. Only tests import it.
"""
