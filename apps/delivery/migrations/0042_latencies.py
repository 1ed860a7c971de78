"""Counts by the minute have latencies and arrivals, and are added up over longer spans."""

import django.contrib.postgres.fields
from django.db import migrations, models

_HISTOGRAMS = django.contrib.postgres.fields.ArrayField


class Migration(migrations.Migration):
    dependencies = [("delivery", "0041_the_age_of_a_database")]
    operations = [
        migrations.AddField("minutecount", "delivered", models.BigIntegerField(db_default=0)),
        migrations.AddField(
            "minutecount",
            "latencies",
            _HISTOGRAMS(base_field=models.IntegerField(), null=True, size=None),
        ),
        migrations.CreateModel(
            name="SpanCount",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "seconds",
                        "since",
                        "channel",
                        "provider",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("seconds", models.SmallIntegerField()),
                ("since", models.DateTimeField()),
                ("channel", models.CharField(max_length=20)),
                ("provider", models.CharField(max_length=40)),
                ("accepted", models.BigIntegerField()),
                ("failed", models.BigIntegerField()),
                ("delivered", models.BigIntegerField()),
                ("reasons", models.JSONField()),
                ("latencies", _HISTOGRAMS(base_field=models.IntegerField(), size=None)),
            ],
        ),
    ]
