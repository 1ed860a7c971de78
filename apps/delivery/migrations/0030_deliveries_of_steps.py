"""Find the deliveries of a fallback's steps."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("delivery", "0029_steps_of_deliveries")]
    operations = [
        AddIndexConcurrently(
            "delivery",
            models.Index(
                condition=models.Q(step__gt=0),
                fields=["notification", "step"],
                name="delivery_of_step",
            ),
        ),
    ]
