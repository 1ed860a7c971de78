"""A template's version may say which category its notifications have."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("content", "0003_numbers_of_jsonb")]
    operations = [
        migrations.AddField(
            "templateversion",
            "category",
            models.CharField(
                blank=True,
                db_default="",
                help_text="of notifications that name none, to no topic that has one",
                max_length=100,
            ),
        ),
    ]
