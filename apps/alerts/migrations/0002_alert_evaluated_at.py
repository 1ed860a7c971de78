from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("alerts", "0001_alerts")]

    operations = [
        migrations.AddField(
            model_name="alert", name="evaluated_at", field=models.DateTimeField(null=True)
        )
    ]
