"""An index of deliveries by the digest that tells them, built while others are written."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("delivery", "0025_told_in")]
    operations = [
        AddIndexConcurrently(
            model_name="delivery",
            index=models.Index(
                fields=["told_in"], condition=Q(told_in__isnull=False), name="delivery_told_in"
            ),
        )
    ]
