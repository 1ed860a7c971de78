"""Erasures of people."""

import uuid

import django.contrib.postgres.fields
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    initial = True
    dependencies: list[tuple[str, str]] = []
    operations = [
        migrations.CreateModel(
            name="Erasure",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("subject", models.BinaryField(max_length=16)),
                ("user_id", models.BinaryField()),
                ("recipient_id", models.BigIntegerField(null=True)),
                (
                    "contact_ids",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), default=list, size=None
                    ),
                ),
                ("deliveries", models.BigIntegerField(default=0)),
                ("requested_at", models.DateTimeField(auto_now_add=True)),
                ("leased_until", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["subject", "-requested_at"], name="erasure_of_subject"),
                    models.Index(
                        fields=["requested_at"],
                        condition=Q(finished_at=None),
                        name="erasure_unfinished",
                    ),
                ],
            },
        ),
    ]
