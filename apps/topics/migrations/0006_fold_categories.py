"""A topic's category is one, in whatever case it is written."""

from typing import Any

from django.db import connection, migrations

from notifier.domain.categories import fold


def fold_topics(apps: Any, schema_editor: Any) -> int:
    """Write topics' categories in their one form; how many had another."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT category FROM topics_topic")
        odd = [name for (name,) in cursor.fetchall() if fold(name) != name]
        cursor.execute(
            """UPDATE topics_topic t SET category = w.folded
                 FROM unnest(%s::text[], %s::text[]) AS w (category, folded)
                WHERE t.category = w.category""",
            [odd, [fold(name) for name in odd]],
        )
        return cursor.rowcount


class Migration(migrations.Migration):
    dependencies = [("topics", "0005_fold_email_addresses")]
    operations = [migrations.RunPython(fold_topics, migrations.RunPython.noop)]
