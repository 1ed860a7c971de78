"""Frequency caps of categories and of people."""

import django.db.models.deletion
from django.db import migrations, models

import apps.core.fields
import apps.preferences.fields


class Migration(migrations.Migration):
    dependencies = [("preferences", "0014_quiet_hours")]
    operations = [
        migrations.AddField(
            "category",
            "frequency_caps",
            models.JSONField(
                blank=True,
                help_text="how many of it one person is sent at most: "
                '[{"channel": "sms", "limit": 1, "per": "week"}]',
                null=True,
            ),
        ),
        migrations.CreateModel(
            name="FrequencyCap",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("channel", models.CharField(max_length=20)),
                ("category", apps.preferences.fields.CategoryField(blank=True, max_length=100)),
                ("most", models.PositiveSmallIntegerField()),
                (
                    "per",
                    models.CharField(
                        choices=[("hour", "hour"), ("day", "day"), ("week", "week")], max_length=4
                    ),
                ),
                ("updated_at", apps.core.fields.StampField(auto_now=True)),
                (
                    "recipient",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="frequency_caps",
                        to="preferences.recipient",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=["recipient", "channel", "category", "per"],
                        name="frequency_cap_once",
                    )
                ],
                "indexes": [models.Index(fields=["channel"], name="frequency_cap_on_channel")],
            },
        ),
    ]
