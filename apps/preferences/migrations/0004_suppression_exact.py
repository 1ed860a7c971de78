from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("preferences", "0003_reveal_contact"),
    ]

    operations = [
        migrations.AddField(
            model_name="suppression",
            name="exact",
            field=models.BooleanField(
                db_default=False, default=False, help_text="found by one spelling only"
            ),
        ),
        migrations.AddIndex(
            model_name="suppression",
            index=models.Index(
                condition=models.Q(("exact", True)),
                fields=["address_index"],
                name="suppression_exact",
            ),
        ),
    ]
