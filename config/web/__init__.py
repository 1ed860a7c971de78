"""Configuration of Django, Django REST framework and drf-spectacular.

Fixed values that no environment variable changes. ``config.settings`` imports them.
"""
