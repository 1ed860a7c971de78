"""Free the names of the ready-made roles, which ``apps.operators.roles`` makes afterwards.

A group of that name that an installation made for itself keeps its members and its permissions
under another name: its members would otherwise get what the ready-made role may do.
"""

from typing import Any

from django.db import migrations

NAMES = ("support", "operator", "developer", "auditor")


def rename(apps: Any, _: Any) -> None:
    groups = apps.get_model("auth", "Group").objects
    for name in NAMES:
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
