"""The checks, a module for each thing that is looked at.

In: the settings and ``Options``. Out: findings; a check never raises for what it looks at.
"""
