"""Status webhooks: publishers hear what became of their deliveries.

In: ``deliveries_moved`` (``apps.delivery.state.signals``). Out: notifications of the kind
``STATUS`` to the webhooks that chose the state, sent like any other. Imported by the API and the
admin.
"""
