"""``manage.py doctor``: whether the service can run with these settings, and what to do if not.

In: the settings, and the servers that they name. Out: findings, each with a remedy. Nobody imports
it, and it writes nothing.
"""
