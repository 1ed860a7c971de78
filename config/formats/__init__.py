"""Formats of dates and times in pages, by locale (Django's ``FORMAT_MODULE_PATH``)."""
