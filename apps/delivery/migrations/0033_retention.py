"""Rules for how long notifications are kept, and how far the work on them is."""

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q

import apps.preferences.fields


class Migration(migrations.Migration):
    dependencies = [
        ("delivery", "0032_reference_and_metadata"),
        ("publishers", "0008_high_rate"),
    ]
    operations = [
        migrations.CreateModel(
            name="RetentionRule",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("category", apps.preferences.fields.CategoryField(blank=True, max_length=100)),
                (
                    "content_days",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        help_text="of title, body, data and variables; empty for what applies "
                        "otherwise",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1)],
                    ),
                ),
                (
                    "record_days",
                    models.PositiveSmallIntegerField(
                        blank=True,
                        help_text="of notifications, deliveries and attempts; empty for what "
                        "applies otherwise",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(8)],
                    ),
                ),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "publisher",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="publishers.publisher",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=["publisher", "category"],
                        condition=Q(publisher__isnull=False),
                        name="retention_once_a_publisher",
                    ),
                    models.UniqueConstraint(
                        fields=["category"],
                        condition=Q(publisher__isnull=True),
                        name="retention_once_a_category",
                    ),
                ]
            },
        ),
        migrations.CreateModel(
            name="RetentionMark",
            fields=[
                ("name", models.CharField(max_length=40, primary_key=True, serialize=False)),
                ("up_to", models.UUIDField()),
            ],
        ),
        migrations.CreateModel(
            name="RetentionDeferral",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("notification_id", models.UUIDField()),
                ("what", models.CharField(help_text="content or record", max_length=7)),
                ("due_at", models.DateTimeField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=["notification_id", "what"], name="retention_deferred_once"
                    )
                ],
                "indexes": [models.Index(fields=["what", "due_at"], name="retention_due")],
            },
        ),
    ]
