"""A delivery says which preference refused it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("delivery", "0017_categories")]
    operations = [
        migrations.AddField("delivery", "refused_by", models.CharField(max_length=40, null=True)),
    ]
