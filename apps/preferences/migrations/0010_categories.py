"""A catalogue of categories."""

from django.db import migrations, models

import apps.core.fields


class Migration(migrations.Migration):
    dependencies = [("preferences", "0009_contacts_given_up")]
    operations = [
        migrations.CreateModel(
            name="Category",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=100, unique=True)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("critical", "critical"),
                            ("transactional", "transactional"),
                            ("promotional", "promotional"),
                        ],
                        default="transactional",
                        max_length=13,
                    ),
                ),
                (
                    "default_locale",
                    models.CharField(
                        default="en",
                        help_text="of readers whose own locale has no text",
                        max_length=35,
                    ),
                ),
                (
                    "display_name",
                    models.JSONField(blank=True, default=dict, help_text='{"en": "Your orders"}'),
                ),
                (
                    "description",
                    models.JSONField(
                        blank=True, default=dict, help_text="texts by locale, likewise"
                    ),
                ),
                (
                    "defaults",
                    models.JSONField(
                        blank=True,
                        default=dict,
                        help_text='by channel, for people who have chosen nothing: {"sms": false}',
                    ),
                ),
                (
                    "position",
                    models.PositiveSmallIntegerField(
                        default=0, help_text="the order on people's pages, ascending"
                    ),
                ),
                ("created_at", apps.core.fields.StampField(auto_now_add=True)),
                ("updated_at", apps.core.fields.StampField(auto_now=True)),
            ],
            options={"verbose_name_plural": "categories"},
        ),
    ]
