"""Django's backend for PostgreSQL, with a pool of connections in each process.

Django imports it by the ``ENGINE`` of the settings; processes import ``pool.fill``.
"""
