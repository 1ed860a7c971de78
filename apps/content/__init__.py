"""Templates: versions and translations, checked when they are stored and compiled once.

In: what publishers and operators write. Out: compiled templates, from a cache. Imported by
delivery.
"""
