"""In which delivery another one is told."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("delivery", "0024_digests")]
    operations = [
        migrations.AddField("delivery", "told_in", models.BigIntegerField(null=True)),
    ]
