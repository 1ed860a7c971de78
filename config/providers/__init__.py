"""Provider configuration: the environment in, the settings of providers out.

``accounts`` has what each kind of provider reads and needs, ``entries`` builds ``PROVIDERS``, and
``keywords`` reads the file of words that stop and resume text messages. Only ``config.settings``
imports them.
"""
