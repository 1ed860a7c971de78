"""Sessions of operators in the database (``SESSION_ENGINE``)."""

import re
from typing import TYPE_CHECKING, Any, cast

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends import db

from apps.core import clock

if TYPE_CHECKING:
    from apps.operators.signin.models import OperatorSession

#: The format of session keys that Django generates.
KEY = re.compile(r"[a-z0-9]{32}")
#: Keys within a session: when it began (unix seconds), from which address, in which browser, and in
#: which session at the OpenID provider.
BEGAN, ADDRESS, BROWSER, SID = "began", "address", "browser", "sid"
#: Characters of a browser's name that are kept.
LONGEST_BROWSER = 200


class SessionStore(db.SessionStore):
    """Django's session store, with columns that say whose a session is.

    It looks up well-formed keys only: a quoted cookie may contain a NUL character, at which the
    query would fail with a 500.
    """

    @classmethod
    def get_model_class(cls) -> "type[OperatorSession]":
        # Django imports this module before there are models.
        from apps.operators.signin.models import OperatorSession

        return OperatorSession

    def create_model_instance(self, data: dict[str, Any]) -> "OperatorSession":
        row = cast("OperatorSession", super().create_model_instance(data))
        row.user_id = data.get(SESSION_KEY)
        row.began = data.get(BEGAN)
        row.address, row.browser = data.get(ADDRESS), data.get(BROWSER, "")
        row.provider_session = data.get(SID, "")
        row.seen_at = clock.moment()
        return row

    def _validate_session_key(self, key: str) -> bool:
        return bool(key) and KEY.fullmatch(key) is not None
