"""Schedules and their runs."""

import uuid

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    dependencies = [
        ("publishers", "0008_high_rate"),
    ]

    operations = [
        migrations.CreateModel(
            name="Schedule",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("name", models.CharField(max_length=200)),
                ("rrule", models.CharField(blank=True, max_length=500)),
                ("cron", models.CharField(blank=True, max_length=200)),
                ("time_zone", models.CharField(max_length=64)),
                ("starts_at_local", models.CharField(max_length=16)),
                ("ends_at_local", models.CharField(blank=True, max_length=16)),
                ("count", models.PositiveIntegerField(null=True)),
                (
                    "misfire",
                    models.CharField(
                        choices=[("run_once", "run_once"), ("skip", "skip")], max_length=10
                    ),
                ),
                ("expires_after", models.PositiveIntegerField(null=True)),
                ("topic", models.CharField(blank=True, max_length=200)),
                ("group", models.CharField(blank=True, max_length=200)),
                ("notification", models.BinaryField()),
                (
                    "scopes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=40), size=None
                    ),
                ),
                ("written_by", models.CharField(max_length=150)),
                ("over_until", models.DateTimeField()),
                ("next_at", models.DateTimeField(null=True)),
                ("due_at", models.DateTimeField(null=True)),
                ("paused_at", models.DateTimeField(null=True)),
                ("runs", models.PositiveIntegerField(default=0)),
                ("failures", models.PositiveIntegerField(default=0)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "publisher",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="publishers.publisher",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Run",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("occurrence", models.DateTimeField(null=True)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("accepted", "Accepted"),
                            ("failed", "Failed"),
                            ("skipped", "Skipped"),
                            ("missed", "Missed"),
                        ],
                        max_length=10,
                    ),
                ),
                ("missed", models.PositiveIntegerField(default=0)),
                ("notification_id", models.UUIDField(null=True)),
                ("problem", models.CharField(blank=True, max_length=40)),
                ("detail", models.TextField(blank=True)),
                ("at", models.DateTimeField()),
                (
                    "schedule",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="records",
                        to="schedules.schedule",
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="schedule",
            index=models.Index(
                condition=models.Q(("due_at__isnull", False)),
                fields=["due_at"],
                name="schedule_due",
            ),
        ),
        migrations.AddIndex(
            model_name="schedule",
            index=models.Index(fields=["publisher", "id"], name="schedule_of_publisher"),
        ),
        migrations.AddIndex(
            model_name="schedule",
            index=models.Index(fields=["name"], name="schedule_name"),
        ),
        migrations.AddConstraint(
            model_name="schedule",
            constraint=models.UniqueConstraint(
                fields=("publisher", "name"), name="schedule_once_a_name"
            ),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(fields=["schedule", "-id"], name="schedule_run_newest"),
        ),
        migrations.AddConstraint(
            model_name="run",
            constraint=models.UniqueConstraint(
                fields=("schedule", "occurrence"), name="schedule_run_once_an_occurrence"
            ),
        ),
    ]
