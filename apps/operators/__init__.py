"""The admin: what its pages share, and how operators sign in.

In: operators' requests. Out: lists of large tables, filters, panels, buttons and markup for the
apps' ``admin`` modules; the admin's site with log-in, sessions and audit. It needs publishers for a
filter and the audit trail only. ``admin`` modules may import it.
"""
