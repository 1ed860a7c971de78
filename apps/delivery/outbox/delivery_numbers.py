"""Numbers of new deliveries, by a function of the database.

It returns the next number of the sequence, and where the tables are partitioned by day one that
begins with the day of the delivery's notification (``notifier.domain.ids.days``): the switch of the
tables replaces it in its transaction, so that no process has to know.
"""

from notifier.domain.ids import days

#: SQL: the number of a new delivery of the notification ``{notification_id}``.
NEW = "delivery_number({notification_id})"

_SEQUENCE = "nextval('delivery_delivery_id_seq')"
# Of a UUIDv7 the first 48 bits are its time in milliseconds. The sequence's numbers begin again
# after those of a day, whose other numbers are long gone by then.
_OF_DAY = f"{_SEQUENCE} & {days.NUMBERS - 1}"
_FUNCTION = """
CREATE OR REPLACE FUNCTION delivery_number(notification uuid) RETURNS bigint
LANGUAGE sql VOLATILE AS $$ SELECT {} $$
"""
#: SQL that numbers deliveries in the order of creation.
IN_SEQUENCE = _FUNCTION.format(_SEQUENCE)
#: SQL that numbers deliveries by the days of their notifications.
BY_DAY = _FUNCTION.format(
    "(('x' || translate(left(notification::text, 13), '-', ''))::bit(48)::bigint "
    f"/ 86400000 << {days.BITS}) | ({_OF_DAY})"
)
#: SQL: the number of a delivery that is inserted without one, where they are numbered by days.
OF_TODAY = f"((extract(epoch FROM now())::bigint / 86400 << {days.BITS}) | ({_OF_DAY}))"
