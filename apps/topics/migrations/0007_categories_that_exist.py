"""A row of the catalogue for each category that a topic names."""

from django.db import migrations

_MAKE = """
INSERT INTO preferences_category (name, kind, default_locale, display_name, description, defaults,
                                  position, created_at, updated_at)
SELECT DISTINCT category, 'transactional', 'en', '{}'::jsonb, '{}'::jsonb, '{}'::jsonb, 0,
       now(), now()
  FROM topics_topic WHERE category <> ''
ON CONFLICT (name) DO NOTHING
"""


class Migration(migrations.Migration):
    dependencies = [
        ("topics", "0006_fold_categories"),
        ("preferences", "0011_categories_that_exist"),
    ]
    operations = [migrations.RunSQL(_MAKE, migrations.RunSQL.noop)]
