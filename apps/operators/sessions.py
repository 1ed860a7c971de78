"""Sessions of operators in the database (``SESSION_ENGINE``)."""

import re

from django.contrib.sessions.backends import db

#: The format of session keys that Django generates.
KEY = re.compile(r"[a-z0-9]{32}")


class SessionStore(db.SessionStore):
    """Django's session store, which looks up well-formed keys only.

    A quoted cookie may contain a NUL character, at which the query would fail with a 500.
    """

    def _validate_session_key(self, key: str) -> bool:
        return bool(key) and KEY.fullmatch(key) is not None
