"""Accounts of operators whom the OpenID provider names.

An account belongs to an issuer and a subject, and is made at the first log-in. No account that was
there before becomes anybody's, whatever its name or address: whoever controls those at the provider
would take it over.
"""

import re
import unicodedata

from django.contrib.auth.models import Group, User
from django.db import IntegrityError, transaction
from django.http import HttpRequest

from apps.core.client_address import remote_address
from apps.operators import roles
from apps.operators.signin.models import Identity
from apps.operators.signin.provider import Failure, LogInFailed, Person
from apps.operators.signin.role_names import SUPERUSER
from apps.publishers import audit

KIND = "user"
#: A character that Django's user names do not have.
_NOT_IN_NAMES = re.compile(r"[^\w.@+-]", re.ASCII)
#: Characters of a name, which a number may follow where somebody else has it.
_LONGEST_NAME = 140


def is_the_providers(user: User) -> bool:
    """Return whether an account came from the provider, whose word alone logs it in.

    A password would outlive what the provider says of somebody.
    """
    return Identity.objects.filter(user=user).exists()


def account_of(request: HttpRequest, person: Person, mapping: dict[str, str]) -> User:
    """Return a person's account, with the roles that ``mapping`` gives for their claim's values.

    Roles that the claim does not give any more are taken, also where the log-in is refused then.

    Raises ``LogInFailed``.
    """
    given = {mapping[value] for value in person.values & mapping.keys()}
    try:
        user = _in_step(request, person, given)
    except IntegrityError:  # another request has made it, or has taken its name
        user = _in_step(request, person, given)
    if user is None or not given:
        raise LogInFailed(Failure.NO_ROLE, user)
    if not user.is_active:
        raise LogInFailed(Failure.INACTIVE, user)
    return user


@transaction.atomic
def _in_step(request: HttpRequest, person: Person, given: set[str]) -> User | None:
    """Make the account where there is none, and give it its roles; ``None`` without any."""
    found = User.objects.select_for_update(of=("self",)).filter(
        identity__issuer=person.issuer, identity__subject=person.subject
    )
    user = found.first()
    if user is None:
        if not given:
            return None
        user = User(username=_free_name(person), is_staff=True)
        user.set_unusable_password()
        user.save()
        Identity.objects.create(user=user, issuer=person.issuer, subject=person.subject)
        _record(request, "create", user, after={"issuer": person.issuer})
    _give(request, user, given)
    if person.email and user.email != person.email:
        user.email = person.email[:254]
        user.save(update_fields=["email"])
    return user


def _give(request: HttpRequest, user: User, given: set[str]) -> None:
    """Give the account exactly these of the ready-made roles. Roles of one's own stay."""
    held = set(user.groups.filter(name__in=roles.ROLES).values_list("name", flat=True))
    before = held | ({SUPERUSER} if user.is_superuser else set())
    if before == given:
        return
    user.is_superuser = SUPERUSER in given
    user.save(update_fields=["is_superuser"])
    user.groups.remove(*Group.objects.filter(name__in=held - given))
    user.groups.add(*Group.objects.filter(name__in=given - held))
    _record(request, "update", user, {"roles": sorted(before)}, {"roles": sorted(given)})


def _record(
    request: HttpRequest,
    action: str,
    user: User,
    before: dict[str, object] | None = None,
    after: dict[str, object] | None = None,
) -> None:
    name = user.get_username()
    actor = audit.Actor(audit.OPERATOR, name, None, remote_address(request))
    audit.record(request, action, KIND, name, actor=actor, before=before, after=after)


def _free_name(person: Person) -> str:
    """Return a user name that nobody has, as close to the person's as can be.

    Letters of other scripts may look like somebody else's name, so the subject stands for those.
    """
    wanted = unicodedata.normalize("NFKC", person.name)
    if not wanted.isascii():
        wanted = person.subject
    base = _NOT_IN_NAMES.sub("", wanted)[:_LONGEST_NAME] or "operator"
    name, number = base, 1
    while User.objects.filter(username__iexact=name).exists():
        number += 1
        name = f"{base}-{number}"
    return name
