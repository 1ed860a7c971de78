"""Recipients' names and attributes, for templates."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("preferences", "0011_categories_that_exist")]
    operations = [
        migrations.AddField(
            "recipient", "name", models.BinaryField(blank=True, help_text="encrypted", null=True)
        ),
        migrations.AddField(
            "recipient",
            "attributes",
            models.BinaryField(blank=True, help_text="JSON, encrypted", null=True),
        ),
    ]
