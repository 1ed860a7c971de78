"""High priority is a scope and has a quota of its own.

Keys that could post keep what they could do: they get the scope.
"""

from typing import Any

from django.db import migrations, models

from apps.publishers.selectors import keys

_GIVE = """
UPDATE publishers_apikey
   SET scopes = (SELECT array_agg(scope ORDER BY scope)
                   FROM unnest(scopes || ARRAY['notifications:high']::varchar[]) AS s (scope))
 WHERE 'notifications:write' = ANY(scopes) AND 'notifications:high' <> ALL(scopes)
"""
_TAKE = "UPDATE publishers_apikey SET scopes = array_remove(scopes, 'notifications:high')"


def forget(apps: Any, schema_editor: Any) -> None:
    """Look the keys up again at once: a cached one would lack the scope for a minute."""
    ApiKey = apps.get_model("publishers", "ApiKey")
    keys.changed(*ApiKey.objects.values_list("prefix", flat=True))


class Migration(migrations.Migration):
    dependencies = [
        ("publishers", "0006_log_in_limits"),
    ]

    operations = [
        migrations.AddField(
            "publisher",
            "high_quota_per_day",
            models.PositiveBigIntegerField(
                null=True,
                blank=True,
                help_text="the same for high priority, which has a quota of its own",
            ),
        ),
        migrations.RunSQL(_GIVE, _TAKE),
        migrations.RunPython(forget, forget),
    ]
