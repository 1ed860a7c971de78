"""Earlier signing secrets of webhooks. Adding columns that may be null rewrites no row."""

import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("preferences", "0006_directory_changes")]

    operations = [
        migrations.AddField(
            model_name="contact",
            name="former_secrets",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.BinaryField(),
                blank=True,
                help_text="earlier secrets, encrypted likewise, the newest first",
                null=True,
                size=None,
            ),
        ),
        migrations.AddField(
            model_name="contact",
            name="former_secrets_until",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.DateTimeField(),
                blank=True,
                help_text="until when each of them signs, too",
                null=True,
                size=None,
            ),
        ),
    ]
