"""The SQL of an audience: its rows, the recipients of a chunk, and who of them is refused.

It joins tables of other apps, as all statements of a claim do. A claim decides about a thousand
people in the statement that writes their deliveries: functions of those apps would cost round trips
while its locks are held, and what they returned could be out of date once it is written.
"""

# An audience: the active subscriptions of a topic, or the members of a group. Of a group's members,
# where no channel was named, only those with an address on the channel.
SUBSCRIPTIONS = """topics_subscription
 WHERE topic_id = %(topic_id)s AND channel = %(channel)s AND state = 'active'
"""
MEMBERSHIPS = """preferences_membership m
 WHERE group_id = %(group_id)s
   AND (NOT %(reachable_only)s
        OR EXISTS (SELECT FROM preferences_contact k
                    WHERE k.recipient_id = m.recipient_id AND k.channel = %(channel)s
                      AND k.state = 'active'))
"""
# The recipients of a range chunk. Columns: recipient_id, contact_id.
SUBSCRIBERS = f"""
subscriber AS (
    SELECT recipient_id, contact_id FROM {SUBSCRIPTIONS}
       AND id BETWEEN %(low_id)s AND %(high_id)s
)
"""
MEMBERS = f"""
subscriber AS (
    SELECT recipient_id, NULL::bigint AS contact_id FROM {MEMBERSHIPS}
       AND id BETWEEN %(low_id)s AND %(high_id)s
)
"""
_IN_RANGE = "id BETWEEN %(low_id)s AND %(high_id)s"


def listed(subscribers: str) -> str:
    """Return the SQL of the recipients of a chunk that lists its members, from that of a range."""
    return subscribers.replace(_IN_RANGE, "id = ANY(%(member_ids)s)")


# For a topic that requires confirmation: a subscription that asks for it reaches only the contacts
# that confirmed it.
CONFIRMED_SUBSCRIBERS = f"""
subscriber AS (
    SELECT recipient_id, contact_id, id, asks FROM {SUBSCRIPTIONS}
       AND id BETWEEN %(low_id)s AND %(high_id)s
)
"""
_CONFIRMED = """
 AND (NOT s.asks OR EXISTS (SELECT FROM topics_confirmation c
                             WHERE c.subscription_id = s.id AND c.contact_id = k.id
                               AND c.confirmed_at IS NOT NULL))
"""
_AUDIENCE = """
audience AS (
    SELECT s.recipient_id, k.id AS contact_id, k.state AS contact_state, k.address_index
      FROM subscriber s
      LEFT JOIN preferences_contact k
        ON k.recipient_id = s.recipient_id AND k.channel = %(channel)s AND k.state = 'active'
           {confirmed}
     WHERE s.contact_id IS NULL
    UNION ALL
    SELECT k.recipient_id, k.id, k.state, k.address_index
      FROM subscriber s JOIN preferences_contact k ON k.id = s.contact_id
)
"""
AUDIENCE = _AUDIENCE.format(confirmed="")
CONFIRMED_AUDIENCE = _AUDIENCE.format(confirmed=_CONFIRMED)
# The reason not to send to a contact; null where nothing speaks against it. The most specific
# preference decides, and where none fits, the default of the category ("off": it is not sent to
# who has chosen nothing; a bare endpoint has nothing to choose by). Preferences do not apply to a
# critical category, to a mandatory topic's own one or to a notification that no publisher published
# (a confirmation); suppressions do. A preference is returned with its scope and channel, either of
# which may be empty: "preference:category:sms".
REFUSAL = """
CASE WHEN a.contact_id IS NULL THEN 'no_address'
     WHEN a.contact_state <> 'active' THEN 'contact_disabled'
     ELSE nullif(coalesce(
        (SELECT x.reason FROM preferences_suppression x
          WHERE x.channel = {channel} AND x.address_index = a.address_index),
        (SELECT CASE WHEN NOT chosen.allowed THEN 'preference:' || chosen.scope ELSE '' END
           FROM (SELECT p.allowed,
                        CASE WHEN p.topic_id IS NOT NULL THEN 'topic:'
                             WHEN p.category <> '' THEN 'category:' ELSE ':' END
                            || p.channel AS scope
                   FROM preferences_preference p
                  WHERE NOT {mandatory}
                    AND p.recipient_id = a.recipient_id
                    AND (p.channel = '' OR p.channel = {channel})
                    AND (p.topic_id IS NULL OR p.topic_id = {topic_id})
                    AND (p.category = '' OR p.category = {category})
                  ORDER BY (p.topic_id IS NOT NULL) DESC, (p.category <> '') DESC,
                           (p.channel <> '') DESC
                  LIMIT 1) chosen),
        CASE WHEN {off} AND a.recipient_id IS NOT NULL THEN 'category_default' END), '')
END
"""
# The columns reason and refused_by of a delivery, from a refusal.
REASON = """
CASE WHEN {refusal} LIKE 'preference:%%' THEN 'preference' ELSE coalesce({refusal}, '') END
"""
REFUSED_BY = "CASE WHEN {refusal} LIKE 'preference:%%' THEN substr({refusal}, 12) END"
