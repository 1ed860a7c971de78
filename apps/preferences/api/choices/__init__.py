"""Choices of people: categories, preferences, quiet hours."""
