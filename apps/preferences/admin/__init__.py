"""Admin pages of contacts, preferences' categories, groups, suppressions and the directory's trail.

A recipient's own page is in ``apps.delivery.admin``, since it shows their deliveries.

- In: requests of operators. Out: calls of this app's services, each change audited.
- ``admin`` modules of apps above may import it.
"""

from apps.preferences.admin import people, suppressions  # noqa: F401
