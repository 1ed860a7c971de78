"""Endpoints that providers call: receipts, and replies to text messages."""
