"""Holding: what was open when a database was restored waits for an operator's decision.

A restored database is older than the world: what is open in it may have been sent since, and is
hours late where it was not. ``hold`` has all of it wait, before workers start:

- A delivery that is due now or later gets the reason ``held`` and is due never; ``HeldDelivery``
  keeps when it was due, and why it waited.
- A chunk gets the reason ``held``, too; its ``due_at`` says when it was due.
- A delivery that was being sent is one that a lost worker had: it may have been sent.
- A digest that is held is closed, so that what is accepted from now on opens another.

Nothing has to be asked by a claim: what is held is not due, and what is accepted afterwards is not
held. Ids that the lost database may have given to others since are not given again.

- ``restore_detection``: recognise a database that was restored.
- ``holding``: hold all that is open.
- ``selection``: find and count what is held, by age, channel, category and publisher.
- ``ending``: release it or cancel it.

In: commands and the admin. Out: rows, as of any deferral; cancels through ``apps.delivery.state``.
Imported by ``apps.delivery.management``, ``apps.delivery.admin``, ``apps.doctor`` and, at the
start of every process, ``config.database``.
"""
