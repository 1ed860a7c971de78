"""Free the names of the ready-made roles, which ``apps.operators.roles`` makes afterwards.

A group of that name that an installation made for itself keeps its members and its permissions
under another name: its members would otherwise get what the ready-made role may do. Run again after
it was reversed, it leaves the ready-made roles alone, which have exactly their permissions.
"""

from typing import Any

from django.db import migrations

from apps.operators.roles import permissions_of

NAMES = ("support", "operator", "developer", "auditor")


def _names(permissions: Any) -> set[str]:
    return {
        f"{label}.{codename}"
        for label, codename in permissions.values_list("content_type__app_label", "codename")
    }


def rename(apps: Any, _: Any) -> None:
    groups = apps.get_model("auth", "Group").objects
    there = _names(apps.get_model("auth", "Permission").objects)
    for name in NAMES:
        group = groups.filter(name=name).first()
        if group is None or _names(group.permissions) == permissions_of(name) & there:
            continue
        new = f"{name} (own)"
        while groups.filter(name=new).exists():
            new = f"{new}'"
        groups.filter(name=name).update(name=new)


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("publishers", "0008_high_rate"),
    ]

    operations = [migrations.RunPython(rename, migrations.RunPython.noop)]
