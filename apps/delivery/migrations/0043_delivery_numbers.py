"""A function numbers deliveries: see ``apps.delivery.outbox.delivery_numbers``."""

from django.db import migrations

_CREATE = """
CREATE OR REPLACE FUNCTION delivery_number(notification uuid) RETURNS bigint
LANGUAGE sql VOLATILE AS $$ SELECT nextval('delivery_delivery_id_seq') $$
"""


class Migration(migrations.Migration):
    dependencies = [("delivery", "0042_latencies")]
    operations = [migrations.RunSQL(_CREATE, "DROP FUNCTION delivery_number(uuid)")]
