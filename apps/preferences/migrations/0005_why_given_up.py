"""Causes of suppressions and disabled contacts. A constant default rewrites no row."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("preferences", "0004_suppression_exact"),
        ("publishers", "0003_limits"),
    ]

    operations = [
        migrations.AddField(
            model_name="contact",
            name="disabled_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="contact",
            name="disabled_by",
            field=models.CharField(blank=True, db_default="", max_length=40),
        ),
        migrations.AddField(
            model_name="contact",
            name="disabled_delivery",
            field=models.BigIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="contact",
            name="disabled_error",
            field=models.CharField(blank=True, db_default="", max_length=100),
        ),
        migrations.AddField(
            model_name="suppression",
            name="delivery_id",
            field=models.BigIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="suppression",
            name="error",
            field=models.CharField(blank=True, db_default="", max_length=100),
        ),
        migrations.AddField(
            model_name="suppression",
            name="provider",
            field=models.CharField(blank=True, db_default="", max_length=40),
        ),
        migrations.AddIndex(
            model_name="suppression",
            index=models.Index(
                condition=models.Q(("provider", ""), _negated=True),
                fields=["provider", "created_at"],
                name="suppression_given_up",
            ),
        ),
    ]
