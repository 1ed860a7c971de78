"""Templates: versions and translations, validated when stored and compiled once.

In: publishers' requests. Out: compiled templates, from a cache, and previews. ``apps.delivery`` may
import it.
"""
