"""What every page of the admin shares, and how operators sign in.

Lists of large tables, filters, panels, buttons and markup for the apps' ``admin`` modules; the
admin's site with its log-in, sessions and audit. Knows publishers only for filters and the audit
trail. Imported by the ``admin`` modules.
"""
