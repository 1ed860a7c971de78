"""The command ``notifier``.

In: arguments, and ``NOTIFIER_URL`` and ``NOTIFIER_KEY``. Out: text, or with ``--json`` an object a
line; errors on stderr, and an exit code. Each module has a command or two, and adds their parsers.
"""
