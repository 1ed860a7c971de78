"""Numbers of new deliveries: the day of the notification, then a number of a sequence.

See ``notifier.domain.ids.days``.
"""

from notifier.domain.ids import days

_NUMBER = f"(nextval('delivery_delivery_id_seq') & {days.NUMBERS - 1})"
#: SQL: the number of a new delivery of the notification ``{notification_id}``, a UUIDv7. The
#: sequence's numbers begin again after those of a day, whose other numbers are long gone by then.
NEW = (
    "((('x' || translate(left({notification_id}::text, 13), '-', ''))::bit(48)::bigint "
    f"/ 86400000 << {days.BITS}) | {_NUMBER})"
)
#: SQL: a number of a delivery that is inserted without one.
OF_TODAY = f"((extract(epoch FROM now())::bigint / 86400 << {days.BITS}) | {_NUMBER})"
