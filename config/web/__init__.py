"""What Django, Django REST framework and drf-spectacular are configured with.

Fixed values that no environment variable changes. ``config.settings`` imports them.
"""
