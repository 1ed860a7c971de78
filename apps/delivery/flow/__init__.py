"""Flow control: breakers, quotas and fairness decide what may go out now, and how much of it.

Asked by what sends, shown to operators and to Prometheus. Imports no worker's code.
"""
