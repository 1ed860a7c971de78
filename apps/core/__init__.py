"""Helpers that every app may use: the database's clock, fields."""
