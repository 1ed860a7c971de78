"""The settings as mypy's plugin for Django reads them: with secrets, wherever it runs."""

import tests.support.bare_environment  # noqa: F401  # before the settings
from config.settings import *  # noqa: F403
