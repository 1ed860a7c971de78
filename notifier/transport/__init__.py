"""The wire: HTTP, host names, networks that may be reached, mail, strict JSON.

Imported by ``providers`` and ``templates``.
"""
