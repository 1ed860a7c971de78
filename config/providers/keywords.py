"""The file of words by which people stop and resume text messages."""

from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from config import env
from notifier.replies.keywords import Keywords
from notifier.transport import strict_json

# -- Channels and providers -------------------------------------------------------------------

_NAME = "NOTIFIER_SMS_KEYWORDS_FILE"


def changes() -> dict[str, Any]:
    """Return the words and answers of the file, empty without one.

    Raises ``ImproperlyConfigured``.
    """
    path = env.text(
        _NAME,
        "",
        "JSON file of words by which people stop and resume text messages, beside the built-in "
        "ones, and of answers to them ([its form](api/replies.md#words-and-answers))",
    )
    if not env.checked_file(_NAME, path, b""):
        return {}
    try:
        found = strict_json.loads(Path(path).read_bytes())
        if not isinstance(found, dict):
            raise ValueError("It has to be an object by language.")
        Keywords(found)
    except ValueError as error:
        raise ImproperlyConfigured(f"{_NAME} says {path!r}: {error}") from None
    return found
