"""A digest of its own for each topic of another publisher."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("delivery", "0031_unused_indexes")]
    operations = [
        migrations.AddField(
            "opendigest", "topic_id", models.BigIntegerField(db_default=0, default=0)
        ),
        migrations.RemoveConstraint("opendigest", "digest_open_once"),
        migrations.AddConstraint(
            "opendigest",
            models.UniqueConstraint(
                fields=["contact_id", "publisher_id", "category", "key", "topic_id"],
                name="digest_open_once",
            ),
        ),
    ]
