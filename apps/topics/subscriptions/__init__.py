"""Writes to subscriptions: any number in a few statements, and CSV files of millions."""
