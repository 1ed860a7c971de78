"""Steps: a fallback that asks more than "was it delivered", and goes on until somebody answers.

In: a notification's ``steps`` as they are stored, and what people did with it. Out: the deliveries
of a step, and of a step that is not needed any more, none. Imported by whatever in
``apps.delivery`` accepts, cuts, claims or shows steps.

A fallback of one step that asks for "not delivered" has columns of its own and no rows here: see
``apps.delivery.state.fallback``.
"""
