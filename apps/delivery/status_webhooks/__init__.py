"""Status webhooks: events about the states of deliveries, sent to their publishers.

- In: the signal ``deliveries_moved`` (``apps.delivery.state.signals``).
- Out: notifications of the kind ``STATUS`` to the webhooks that chose the state, sent like any
  other notification.
- Imported by the API and the admin.
"""
