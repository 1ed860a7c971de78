"""Provider configuration: the environment in, the setting ``PROVIDERS`` out.

``accounts`` has what each kind of provider reads and needs, ``entries`` builds the setting. Only
``config.settings`` imports them.
"""
