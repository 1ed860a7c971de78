"""The default category, and a row for each category that a preference names.

By itself, so that reading the preferences holds no lock of the migration before.
"""

from django.db import migrations

_MAKE = """
INSERT INTO preferences_category (name, kind, default_locale, display_name, description, defaults,
                                  position, created_at, updated_at)
SELECT name, 'transactional', 'en', display_name, '{}', '{}', 0, now(), now()
  FROM (SELECT 'default' AS name, '{"en": "Other messages"}'::jsonb AS display_name
        UNION ALL
        SELECT DISTINCT category, '{}'::jsonb FROM preferences_preference
         WHERE category NOT IN ('', 'default')) found
ON CONFLICT (name) DO NOTHING
"""


class Migration(migrations.Migration):
    dependencies = [("preferences", "0010_categories")]
    operations = [migrations.RunSQL(_MAKE, migrations.RunSQL.noop)]
