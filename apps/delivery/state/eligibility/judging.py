"""The SQL of whether a fallback's step is still needed: was it delivered, read, acknowledged?

A step is judged at the moment it is claimed, and each of its deliveries again when it is due again.
Who answered stands in ``delivery_answer``, wherever they did (``apps.delivery.state.steps``).
"""

from apps.delivery.state.fallback import REACHED

_ANSWERED = """
EXISTS (SELECT FROM delivery_answer w
         WHERE w.notification_id = {notification_id} AND w.recipient_id = a.recipient_id
           AND (w.acknowledged_at IS NOT NULL OR {unless} <> 'acknowledged'))
"""
_ANSWERED_BY_ANYBODY = """
EXISTS (SELECT FROM delivery_answer w
         WHERE w.notification_id = {notification_id}
           AND (w.acknowledged_at IS NOT NULL OR {unless} <> 'acknowledged'))
"""
_ACKNOWLEDGED_BY_ANYBODY = """
EXISTS (SELECT FROM delivery_answer w
         WHERE w.notification_id = {notification_id} AND w.acknowledged_at IS NOT NULL)
"""
# As ``fallback.REACHED``, for anybody.
_REACHED_ANYBODY = """
EXISTS (SELECT FROM delivery_delivery e
         WHERE e.notification_id = {notification_id}
           AND (e.state = 'delivered'
                OR (e.state = 'accepted' AND NOT e.provider = ANY(%(reporting)s)))
           AND NOT EXISTS (SELECT FROM inbox_inboxitem i
                            WHERE i.delivery_id = e.id AND i.read_at IS NULL
                              AND i.snoozed_until IS NULL))
"""


def needless(notification_id: str, unless: str, shared: str) -> str:
    """Return the SQL of whether recipient ``a`` needs a step no more.

    The arguments are SQL: ``unless`` a word of ``steps.plan.Unless``, ``shared`` whether one
    acknowledgement ends the steps for everybody.
    """
    names = {"notification_id": notification_id, "unless": unless}
    reached = REACHED.replace("%(notification_id)s", notification_id)
    return f"""(
    {_ANSWERED.format(**names)}
    OR ({shared} AND {_ACKNOWLEDGED_BY_ANYBODY.format(**names)})
    OR ({unless} = 'delivered' AND {reached}))"""


def needless_to_group(notification_id: str, unless: str) -> str:
    """Return the SQL of whether a group needs its step no more, for arguments that are SQL."""
    names = {"notification_id": notification_id, "unless": unless}
    return f"""(
    {_ANSWERED_BY_ANYBODY.format(**names)}
    OR ({unless} = 'delivered' AND {_REACHED_ANYBODY.format(**names)}))"""


#: Columns of a delivery ``d`` of notification ``n`` by which it is judged again. What goes out on
#: the first channels is not tried again for somebody who has read it.
OF_DELIVERY = """
           d.step, CASE WHEN d.step = 0 THEN 'read' ELSE n.steps -> (d.step - 1) ->> 'unless' END
               AS unless,
           d.step > 0 AND n.steps -> (d.step - 1) ? 'group_id' AS to_group,
           n.steps @? '$[*].group_id' AS shared"""
_OWN_ANSWER = """
SELECT CASE WHEN w.acknowledged_at IS NOT NULL THEN 'acknowledged'
            WHEN w.read_at IS NOT NULL THEN 'read' END AS why
  FROM delivery_answer w
 WHERE w.notification_id = a.notification_id AND w.recipient_id = a.recipient_id
   AND (w.acknowledged_at IS NOT NULL OR a.unless <> 'acknowledged')
"""
_ANOTHERS_ANSWER = """
SELECT CASE WHEN w.acknowledged_at IS NOT NULL THEN 'acknowledged_by_another'
            WHEN w.read_at IS NOT NULL THEN 'read_by_another' END AS why
  FROM delivery_answer w
 WHERE a.shared AND w.notification_id = a.notification_id
   AND (w.acknowledged_at IS NOT NULL OR (a.to_group AND a.unless <> 'acknowledged'))
 LIMIT 1
"""
_MEANWHILE = """
CASE WHEN a.step > 0 AND a.unless = 'delivered' AND NOT a.to_group AND a.attempts = 0
     THEN CASE WHEN {reached} THEN 'reached' END END"""
#: The reason not to send a delivery ``a`` with ``OF_DELIVERY``, null where there is none. Its
#: recipient may have answered, or where the answer of one ends the steps of all, another. A step
#: for the same people that was never tried is not needed once another channel has reached them.
_REACHED_NOW = REACHED.replace("%(notification_id)s", "a.notification_id").replace(
    "%(channel)s", "a.channel"
)
NEEDLESS_AGAIN = f"({_OWN_ANSWER}), ({_ANOTHERS_ANSWER}), {_MEANWHILE.format(reached=_REACHED_NOW)}"
