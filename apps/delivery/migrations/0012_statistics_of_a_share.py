"""Statistics of deliveries are gathered anew after a tenth of the table has changed, PostgreSQL's
own rule, and never after fewer than 200,000 changes (0002).

After every 200,000, however large the table, was each ten seconds of a large publish; each time
30,000 pages are read at random, and most of them from the disk where there are old rows.
"""

from django.db import migrations

_SHARE = "ALTER TABLE delivery_delivery RESET (autovacuum_analyze_scale_factor)"
_FIXED = "ALTER TABLE delivery_delivery SET (autovacuum_analyze_scale_factor = 0)"


class Migration(migrations.Migration):
    dependencies = [("delivery", "0011_dead_letters_have_a_kind")]

    operations = [migrations.RunSQL(_SHARE, _FIXED)]
