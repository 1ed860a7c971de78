from typing import Any

from django.db import migrations

NEW = {"recipients:write": "directory:write", "recipients:read": "directory:read"}


def rename(apps: Any, schema_editor: Any) -> None:
    _rename(apps, NEW)


def back(apps: Any, schema_editor: Any) -> None:
    _rename(apps, {new: old for old, new in NEW.items()})


def _rename(apps: Any, names: dict[str, str]) -> None:
    ApiKey = apps.get_model("publishers", "ApiKey")
    rows = list(ApiKey.objects.filter(scopes__overlap=list(names)))
    for row in rows:
        row.scopes = sorted({names.get(scope, scope) for scope in row.scopes})
    ApiKey.objects.bulk_update(rows, ["scopes"], batch_size=500)


class Migration(migrations.Migration):
    dependencies = [
        ("publishers", "0004_key_families"),
    ]

    operations = [
        migrations.RunPython(rename, back),
    ]
