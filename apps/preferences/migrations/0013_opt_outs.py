"""Opt-outs by text message, and what else speaks against an address that opted out."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("preferences", "0012_profiles")]
    operations = [
        migrations.AddField("suppression", "other_cause", models.JSONField(null=True)),
        migrations.CreateModel(
            name="OptOut",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("channel", models.CharField(max_length=20)),
                ("address_index", models.BinaryField(max_length=16)),
                ("masked", models.CharField(max_length=100, verbose_name="address")),
                ("sender", models.CharField(max_length=64)),
                ("provider", models.CharField(max_length=40)),
                ("opted_out_at", models.DateTimeField()),
                ("resumed_at", models.DateTimeField(null=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("channel", "address_index", "sender"),
                        name="opt_out_once_a_sender",
                    )
                ]
            },
        ),
    ]
