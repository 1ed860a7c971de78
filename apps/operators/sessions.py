"""Sessions of operators, in the database (`SESSION_ENGINE`)."""

import re

from django.contrib.sessions.backends import db

#: What Django makes.
KEY = re.compile(r"[a-z0-9]{32}")


class SessionStore(db.SessionStore):
    """Does not ask the database for what cannot be a key: it refuses NULs, which a quoted cookie
    may have in it, and that would be an error of ours."""

    def _validate_session_key(self, key: str) -> bool:
        return bool(key) and KEY.fullmatch(key) is not None
