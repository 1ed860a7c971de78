"""An erasure keeps the phone numbers until it is done: replies are looked for once more."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("privacy", "0003_turns")]
    operations = [
        migrations.AddField("erasure", "numbers", models.BinaryField(db_default=b"", default=b"")),
    ]
