import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("preferences", "0005_why_given_up"),
        ("publishers", "0005_directory_scopes"),
    ]

    operations = [
        migrations.AddField(
            model_name="suppression",
            name="publisher",
            field=models.ForeignKey(
                blank=True,
                help_text="whose manual suppression it is, which this publisher alone may lift",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="publishers.publisher",
            ),
        ),
        migrations.CreateModel(
            name="DirectoryChange",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField(auto_now_add=True)),
                (
                    "actor_kind",
                    models.CharField(
                        help_text="publisher, operator, person, provider or system", max_length=10
                    ),
                ),
                ("actor", models.CharField(max_length=150)),
                ("remote_address", models.GenericIPAddressField(null=True)),
                ("change", models.CharField(max_length=20)),
                ("channel", models.CharField(max_length=20)),
                ("address_index", models.BinaryField(max_length=16, null=True)),
                ("masked", models.CharField(max_length=100, verbose_name="address")),
                ("detail", models.CharField(max_length=200)),
                (
                    "publisher",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="publishers.publisher",
                    ),
                ),
                (
                    "recipient",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="preferences.recipient",
                    ),
                ),
            ],
            options={
                "verbose_name": "change of the directory",
                "verbose_name_plural": "changes of the directory",
                "indexes": [
                    models.Index(fields=["recipient", "-id"], name="directory_of_person"),
                    models.Index(
                        condition=models.Q(("address_index__isnull", False)),
                        fields=["channel", "address_index", "-id"],
                        name="directory_of_address",
                    ),
                ],
            },
        ),
    ]
