"""Frequency caps: how many notifications one person is sent at most.

In: the company's caps by channel (a setting), a category's, and people's own. Out: the caps that a
claim asks. ``caps`` reads them, from a cache where every claim asks; ``services`` writes people's
own; ``fields`` are those of requests and answers.
"""
