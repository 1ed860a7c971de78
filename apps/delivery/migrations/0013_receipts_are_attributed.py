"""An event that came before our own record of the attempt says nothing until its message is known
to be the delivery's. Adding a column with a constant default rewrites no row."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("delivery", "0012_statistics_of_a_share")]

    operations = [
        migrations.AddField(
            model_name="receiptevent",
            name="attributed",
            field=models.BooleanField(db_default=True, default=True),
        ),
    ]
