"""Digests of categories, and how often people want them."""

import django.db.models.deletion
from django.db import migrations, models

import apps.core.fields
import apps.preferences.fields


class Migration(migrations.Migration):
    dependencies = [("preferences", "0017_linked_at")]
    operations = [
        migrations.AddField(
            "category",
            "digest",
            models.JSONField(
                blank=True,
                help_text='tells one person of several together: {"window": 3600} '
                'or {"at": "09:00"}',
                null=True,
            ),
        ),
        migrations.CreateModel(
            name="DigestChoice",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("category", apps.preferences.fields.CategoryField(blank=True, max_length=100)),
                (
                    "cadence",
                    models.CharField(
                        choices=[
                            ("at_once", "at_once"),
                            ("hourly", "hourly"),
                            ("daily", "daily"),
                            ("weekly", "weekly"),
                        ],
                        max_length=7,
                    ),
                ),
                ("own", models.BooleanField(db_default=False, default=False)),
                ("updated_at", apps.core.fields.StampField(auto_now=True)),
                (
                    "recipient",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="digest_choices",
                        to="preferences.recipient",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=["recipient", "category"], name="digest_choice_once"
                    )
                ],
            },
        ),
    ]
