import uuid
from typing import Any

import django.contrib.postgres.fields
import django.contrib.postgres.functions
from django.db import migrations, models


def link(apps: Any, schema_editor: Any) -> None:
    """Say of existing keys who made them, as far as the audit trail goes back."""
    ApiKey = apps.get_model("publishers", "ApiKey")
    AuditEvent = apps.get_model("publishers", "AuditEvent")
    keys = {key.prefix: key for key in ApiKey.objects.all()}
    events = AuditEvent.objects.filter(object_type="api_key", action__in=("create", "rotate"))
    for event in events.order_by("pk").iterator():
        old = keys.get(event.object_name) if event.action == "rotate" else None
        made = event.object_name if event.action == "create" else event.after["replaced_by"]
        key, maker = keys.get(made), keys.get(event.actor)
        if key is None:
            continue
        key.made_by = event.actor
        others = {*maker.ends_with, maker.identity} if maker else set()
        if old is not None:
            key.identity = old.identity
            others = {*old.ends_with, *(others if maker and maker.identity != old.identity else ())}
        key.ends_with = sorted(others)
    ApiKey.objects.bulk_update(keys.values(), ["made_by", "identity", "ends_with"], batch_size=500)


class Migration(migrations.Migration):
    dependencies = [
        ("publishers", "0003_limits"),
    ]

    operations = [
        migrations.AddField(
            model_name="apikey",
            name="made_by",
            field=models.CharField(
                blank=True,
                db_default="",
                help_text="the prefix of the key that made it, jwt:NAME for a token, "
                "or the command",
                max_length=150,
            ),
        ),
        migrations.AddField(
            model_name="apikey",
            name="identity",
            field=models.UUIDField(
                db_default=django.contrib.postgres.functions.RandomUUID(),
                default=uuid.uuid4,
                editable=False,
            ),
        ),
        migrations.AddField(
            model_name="apikey",
            name="ends_with",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.UUIDField(),
                db_default=[],
                default=list,
                editable=False,
                size=None,
            ),
        ),
        migrations.RunPython(link, migrations.RunPython.noop),
        migrations.AddIndex(
            model_name="apikey",
            index=models.Index(fields=["publisher", "identity"], name="api_key_identity"),
        ),
    ]
