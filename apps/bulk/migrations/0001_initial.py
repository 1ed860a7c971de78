"""Bulk actions."""

import uuid

from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies: list[tuple[str, str]] = []

    operations = [
        migrations.CreateModel(
            name="BulkAction",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("action", models.CharField(max_length=10)),
                ("publisher_id", models.BigIntegerField(null=True)),
                ("match", models.JSONField(default=dict)),
                ("asked_kind", models.CharField(max_length=10)),
                ("asked_by", models.CharField(max_length=150)),
                ("total", models.BigIntegerField(null=True)),
                ("done", models.BigIntegerField(default=0)),
                ("counts", models.JSONField(default=dict)),
                ("cursor", models.CharField(blank=True, default="", max_length=40)),
                ("requested_at", models.DateTimeField(auto_now_add=True)),
                ("started_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                ("aborted_by", models.CharField(blank=True, default="", max_length=150)),
                ("leased_until", models.DateTimeField(null=True)),
            ],
            options={
                "verbose_name": "bulk action",
                "indexes": [
                    models.Index(fields=["publisher_id", "-id"], name="bulk_of_publisher"),
                    models.Index(
                        condition=models.Q(("finished_at", None)),
                        fields=["id"],
                        name="bulk_unfinished",
                    ),
                ],
            },
        ),
    ]
