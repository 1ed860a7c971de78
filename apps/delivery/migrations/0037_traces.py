"""The place of a sampled notification in its trace: null in all others, which costs nothing."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("delivery", "0036_replays")]
    operations = [
        migrations.AddField(
            model_name="notification",
            name="traceparent",
            field=models.BinaryField(null=True),
        )
    ]
