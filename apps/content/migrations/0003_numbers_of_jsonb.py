from django.db import migrations, models

import apps.content.models


class Migration(migrations.Migration):
    dependencies = [
        ("content", "0002_alter_translation_options"),
    ]

    operations = [
        migrations.AlterField(
            model_name="translation",
            name="data",
            field=models.JSONField(
                blank=True, decoder=apps.content.models.StoredJson, default=dict
            ),
        ),
    ]
