"""The processes of the service: what each runs, how it is probed, and what it needs.

In: nothing. Out: ``table.PROCESSES``, from which ``stack.deployment`` writes the Procfile and every
file in ``deploy/`` that names processes, and which ``manage.py doctor`` counts connections by.
"""
