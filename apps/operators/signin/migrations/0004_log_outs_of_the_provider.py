from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("signin", "0003_sessions")]

    operations = [
        migrations.CreateModel(
            name="UsedLogOut",
            fields=[
                ("digest", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("until", models.DateTimeField()),
            ],
        ),
        migrations.AddField(
            model_name="operatorsession",
            name="provider_session",
            field=models.CharField(blank=True, db_default="", max_length=255),
        ),
    ]
