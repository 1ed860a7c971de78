"""What may go out now, and how much of it: breakers, quotas, fairness.

Asked by what sends, shown to operators and to Prometheus. Imports no worker's code.
"""
