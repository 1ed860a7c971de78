"""Serializer fields of this app, and the checks of addresses, that other apps use, too."""

import re
import zoneinfo
from collections.abc import Sequence
from functools import cache
from typing import Any

from django.conf import settings
from rest_framework import serializers

from apps.api.serializers import Choice, NameField
from apps.preferences.api import app_ids
from apps.preferences.channels import INBOX, PUSH, check_destination, get_channel
from notifier.domain import categories
from notifier.domain.ids import user_ids
from notifier.security import signing

MAX_BULK = 1000
PLATFORMS = ["ios", "android", "web"]
_LOCALE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")


@cache
def time_zones() -> frozenset[str]:
    """Return every IANA time zone that this machine knows."""
    return frozenset(zoneinfo.available_timezones())


def contact_channels() -> list[str]:
    """Return the channels of contacts: all except push (devices) and the inbox."""
    return [name for name in settings.CHANNELS if name not in (PUSH, INBOX)]


def parse_address(channel: str, address: str, platform: str = "", field: str = "address") -> str:
    """Return the address in its normal form. Raises ``ValidationError`` at ``field``."""
    try:
        return get_channel(channel).parse(address, platform)
    except ValueError as error:
        raise serializers.ValidationError({field: [str(error)]}) from None


def parse_destination(
    channel: str, address: str, platform: str = "", field: str = "address"
) -> str:
    """Return the address as ``parse_address`` does, if it is one that workers may send to."""
    parsed = parse_address(channel, address, platform, field)
    try:
        check_destination(channel, parsed)
    except ValueError as error:
        raise serializers.ValidationError({field: [str(error)]}) from None
    return parsed


def check_secret(secret: str) -> None:
    """Raise ``ValidationError`` for a signing secret that Standard Webhooks forbids."""
    try:
        signing.check_secret(secret)
    except ValueError as error:
        raise serializers.ValidationError(str(error)) from None


class UserIdField(serializers.CharField):
    """A ``user_id``, taken verbatim."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("help_text", "the company's own id of the person; never folded")
        options |= {"max_length": user_ids.MAX_LENGTH, "trim_whitespace": False}
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> str:
        try:
            return user_ids.check(super().to_internal_value(data))
        except ValueError as error:
            raise serializers.ValidationError(str(error)) from None


class AppField(serializers.CharField):
    """The id of the app that a device token was issued to."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=app_ids.MAX_LENGTH, **options)

    def to_internal_value(self, data: Any) -> str:
        try:
            return app_ids.check(super().to_internal_value(data))
        except ValueError as error:
            raise serializers.ValidationError(str(error)) from None


class LocaleField(serializers.CharField):
    """A BCP 47 tag. ``de_AT``, the form of POSIX and Java, is read as ``de-AT``."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=35, **options)

    def to_internal_value(self, data: Any) -> str:
        tag = super().to_internal_value(data).replace("_", "-")
        if not _LOCALE.fullmatch(tag):
            raise serializers.ValidationError("Write a BCP 47 tag such as de or de-AT.")
        return tag


class TimeZoneField(serializers.CharField):
    """The name of an IANA time zone."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("help_text", "IANA name, e.g. Europe/Vienna")
        super().__init__(max_length=64, **options)

    def to_internal_value(self, data: Any) -> str:
        name = super().to_internal_value(data)
        if name not in time_zones():
            raise serializers.ValidationError(
                f"There is no time zone {name!r}. Write an IANA name such as Europe/Vienna."
            )
        return name


class CategoryField(NameField):
    """The name of a category, folded.

    It may have slashes. HTTP clients resolve ``.`` and ``..`` between them, so that no path could
    name such a one.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=100, **options)

    def to_internal_value(self, data: Any) -> str:
        name = categories.fold(super().to_internal_value(data))
        if {".", ".."} & set(name.split("/")):
            raise serializers.ValidationError("A path cannot name it: leave out the dots.")
        return name


class ChannelField(Choice):
    """The name of one of this installation's channels."""

    def __init__(self, names: Sequence[str] = tuple(settings.CHANNELS), **options: Any) -> None:
        super().__init__(names, **options)
