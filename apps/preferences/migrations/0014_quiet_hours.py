"""People's own quiet hours."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("preferences", "0013_opt_outs")]
    operations = [
        migrations.AddField(
            "recipient",
            "quiet_hours",
            models.JSONField(
                blank=True,
                help_text="their own schedule, as in the API; empty where the company's applies",
                null=True,
            ),
        ),
        migrations.AlterField(
            "recipient",
            "time_zone",
            models.CharField(
                default="UTC",
                help_text="IANA name; UTC stands for the company's zone",
                max_length=64,
            ),
        ),
    ]
