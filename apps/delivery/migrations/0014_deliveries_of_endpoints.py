"""Bare endpoints' deliveries by endpoint. Made while deliveries go on being written."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("delivery", "0013_receipts_are_attributed")]
    operations = [
        AddIndexConcurrently(
            model_name="delivery",
            index=models.Index(
                fields=["contact_id", "-id"],
                condition=Q(recipient_id__isnull=True, contact_id__isnull=False),
                name="delivery_of_endpoint",
            ),
        )
    ]
