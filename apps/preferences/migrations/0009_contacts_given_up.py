"""Contacts that a provider called dead. Made while contacts go on being read and written."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("preferences", "0008_fold_categories")]
    operations = [
        AddIndexConcurrently(
            model_name="contact",
            index=models.Index(
                fields=["disabled_by", "disabled_at"],
                condition=Q(state="disabled") & ~Q(disabled_by=""),
                name="contact_given_up",
            ),
        )
    ]
