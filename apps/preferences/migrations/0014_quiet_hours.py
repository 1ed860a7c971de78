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
                help_text='their own: {"windows": [{"days": ["mon"], "from": "22:00", '
                '"to": "07:00"}]}; empty where the company\'s apply',
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
