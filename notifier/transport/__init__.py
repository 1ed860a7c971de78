"""Transport: HTTP, host names, networks that may be reached, mail, strict JSON.

In: requests, names and texts of the layers above. Out: replies, addresses and bytes. Imported by
``channels``, ``providers``, ``templates``, ``apps`` and ``config``.
"""
