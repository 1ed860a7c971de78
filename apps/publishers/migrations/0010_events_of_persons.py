"""An index of what people changed themselves: exports and erasures find it by who did it."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("publishers", "0009_names_of_roles")]
    operations = [
        AddIndexConcurrently(
            "auditevent",
            models.Index(
                fields=["actor", "id"], condition=Q(actor_kind="person"), name="audit_by_person"
            ),
        ),
    ]
