from django.db import migrations


class Migration(migrations.Migration):
    """Deliveries that died before their table existed."""

    dependencies = [
        ("delivery", "0005_groups"),
    ]

    operations = [
        migrations.RunSQL(
            """
            INSERT INTO delivery_deadletter (delivery_id, publisher_id, topic_id, channel,
                                             provider, reason, died_at)
            SELECT d.id, n.publisher_id, n.topic_id, d.channel, d.provider, d.reason, d.updated_at
              FROM delivery_delivery d
              JOIN delivery_notification n ON n.id = d.notification_id
             WHERE d.state = 'dead'
            ON CONFLICT DO NOTHING
            """,
            migrations.RunSQL.noop,
        ),
    ]
