"""A second factor beside the password: codes of an authenticator app, and recovery codes.

A secret is encrypted in the context of its operator. It counts from the first code on that shows
that the app has it. A code is used once, as is each recovery code, of which only a hash is stored:
they have 80 random bits, so that a slow hash would protect nothing.
"""

import base64
import hashlib
import re
import secrets
from datetime import timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet

from apps.core import clock
from apps.core.keyring import keyring
from apps.operators.signin.models import RecoveryCode, SecondFactor
from notifier.security import totp

#: The recovery codes that are made at once, and the bytes of each.
RECOVERY_CODES, RECOVERY_BYTES = 10, 10
#: For how long a secret waits for its first code.
WAITS = timedelta(minutes=10)
_CODE = re.compile(rf"[0-9]{{{totp.DIGITS}}}")


def context(user_id: int) -> bytes:
    """Return the context in which an operator's secret is encrypted."""
    return b"second-factor:%d" % user_id


def is_set(user: User) -> bool:
    """Return whether an operator has to give a code beside the password."""
    return SecondFactor.objects.filter(user=user).exclude(confirmed_at=None).exists()


@transaction.atomic
def begin(user: User) -> int | None:
    """Make a secret in place of one that waits; return its id, ``None`` where one counts already.

    The id belongs into the session that began, and nowhere else. Who else knows the password may
    have begun, too, and must not have their secret confirmed by the operator's app.
    """
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    drop_waiting(user.pk)
    if is_set(user):
        return None
    secret = secrets.token_bytes(totp.SECRET_BYTES)
    sealed = keyring().encrypt(secret, context(user.pk))
    return SecondFactor.objects.create(user=user, secret=sealed).pk


def drop_waiting(user_id: int) -> None:
    """Delete a secret that waits for its first code."""
    SecondFactor.objects.filter(user=user_id, confirmed_at=None).delete()


def waiting(user: User, begun: int | None) -> bytes | None:
    """Return the secret of this id, if it still waits for its first code."""
    row = _waiting(user, begun).first()
    return _secret(row) if row else None


@transaction.atomic
def confirm(user: User, begun: int | None, code: str) -> list[str] | None:
    """Let a secret count, if this is its code; return the recovery codes then, else ``None``."""
    row = _waiting(user, begun).select_for_update().first()
    if row is None or not _use(row, code):
        return None
    row.confirmed_at = clock.moment()
    row.save(update_fields=["confirmed_at"])
    return renew_recovery_codes(user)


@transaction.atomic
def accept(user: User, code: str) -> str | None:
    """Use up a code: return ``code`` or ``recovery_code``, which it was; ``None`` for neither."""
    row = SecondFactor.objects.select_for_update().filter(user=user).first()
    if row is None or row.confirmed_at is None:
        return None
    if _use(row, code):
        return "code"
    used, _ = RecoveryCode.objects.filter(user=user, digest=_digest(user, code)).delete()
    return "recovery_code" if used else None


@transaction.atomic
def renew_recovery_codes(user: User) -> list[str]:
    """Make recovery codes in place of the earlier ones, and return them: nobody can later."""
    RecoveryCode.objects.filter(user=user).delete()
    made = [_recovery_code() for _ in range(RECOVERY_CODES)]
    RecoveryCode.objects.bulk_create(
        [RecoveryCode(user=user, digest=_digest(user, code)) for code in made]
    )
    return made


def recovery_codes_left(user: User) -> int:
    """Return how many recovery codes were not used yet."""
    return RecoveryCode.objects.filter(user=user).count()


@transaction.atomic
def remove(user: User) -> bool:
    """Remove the second factor with its recovery codes; return whether there was one."""
    RecoveryCode.objects.filter(user=user).delete()
    return SecondFactor.objects.filter(user=user).delete()[0] > 0


def _waiting(user: User, begun: int | None) -> QuerySet[SecondFactor]:
    since = clock.moment() - WAITS
    return SecondFactor.objects.filter(
        pk=begun or 0, user=user, confirmed_at=None, created_at__gte=since
    )


def _use(row: SecondFactor, code: str) -> bool:
    """Use up a code of the app. The row is locked."""
    digits = code.replace(" ", "")
    if not _CODE.fullmatch(digits):
        return False
    step = totp.step_of(_secret(row), digits, clock.now(), after=row.used_step)
    if step is None:
        return False
    row.used_step = step
    row.save(update_fields=["used_step"])
    return True


def _secret(row: SecondFactor) -> bytes:
    return keyring().decrypt(bytes(row.secret), context(row.user_id))


def _recovery_code() -> str:
    encoded = base64.b32encode(secrets.token_bytes(RECOVERY_BYTES)).decode().lower()
    return "-".join(encoded[at : at + 4] for at in range(0, len(encoded), 4))


def _digest(user: User, code: str) -> str:
    plain = re.sub(r"[\s-]", "", code).lower()
    return hashlib.sha256(f"{user.pk}\n{plain}".encode()).hexdigest()
