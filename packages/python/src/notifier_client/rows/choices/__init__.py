"""Choices of people and the company: categories, caps, quiet hours."""
