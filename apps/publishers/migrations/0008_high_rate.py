"""High priority has a rate of its own."""

from django.core.validators import MinValueValidator
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("publishers", "0007_high_priority"),
    ]

    operations = [
        migrations.AddField(
            "publisher",
            "high_rate_per_second",
            models.PositiveIntegerField(
                null=True,
                blank=True,
                validators=[MinValueValidator(1)],
                help_text="notifications of high priority a second; empty for the default",
            ),
        ),
    ]
