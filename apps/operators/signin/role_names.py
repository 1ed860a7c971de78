"""Names of the roles that an OpenID provider's claim may give. Free of Django, for the settings."""

SUPERUSER = "superuser"
#: The ready-made roles (``apps.operators.roles``), and what is no role but may do everything.
MAPPED = ("support", "operator", "developer", "auditor", SUPERUSER)
