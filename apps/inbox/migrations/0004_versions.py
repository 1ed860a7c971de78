"""Versions of inboxes, what was deleted, and the states seen, archived and snoozed."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("inbox", "0003_recipient_unchecked"),
        ("preferences", "0018_digests"),
    ]
    operations = [
        migrations.AddField("inboxitem", "seen_at", models.DateTimeField(null=True)),
        migrations.AddField("inboxitem", "archived_at", models.DateTimeField(null=True)),
        migrations.AddField("inboxitem", "snoozed_until", models.DateTimeField(null=True)),
        migrations.AddField("inboxitem", "version", models.BigIntegerField(db_default=0)),
        migrations.CreateModel(
            name="Feed",
            fields=[
                (
                    "recipient",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="preferences.recipient",
                    ),
                ),
                ("version", models.BigIntegerField()),
            ],
        ),
        # Room on each page for the next version, which then needs no entry in an index.
        migrations.RunSQL("ALTER TABLE inbox_feed SET (fillfactor = 50)", migrations.RunSQL.noop),
        migrations.CreateModel(
            name="Deletion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("version", models.BigIntegerField()),
                ("item_id", models.BigIntegerField()),
                (
                    "recipient",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="preferences.recipient",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["version"], name="deletion_oldest")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=["recipient", "version", "item_id"], name="deletion_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Ticket",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("digest", models.BinaryField(unique=True)),
                ("user_id", models.CharField(max_length=200)),
                ("expires_at", models.DateTimeField(db_index=True)),
                ("token_expires_at", models.DateTimeField()),
            ],
        ),
    ]
