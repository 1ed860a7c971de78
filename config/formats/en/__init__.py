"""Formats for English, the language of every page."""
