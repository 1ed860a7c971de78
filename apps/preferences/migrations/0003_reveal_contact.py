from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("preferences", "0002_groups"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="contact",
            options={"permissions": [("reveal_contact", "Can reveal an address")]},
        ),
    ]
