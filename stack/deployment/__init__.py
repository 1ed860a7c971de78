"""Files that deploy the service, made from the one description of its processes.

In: ``config.processes.table``. Out: the Procfile, and in ``deploy/`` the compose file, systemd's
units and the chart's list of processes. ``make deployment`` writes them; a test fails while one of
them is stale.
"""
