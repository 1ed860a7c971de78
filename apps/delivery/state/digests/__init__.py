"""Digests: rows that wait to be told together, and the one delivery that tells them.

A digest is a delivery of a notification of its own, of kind ``digest``, to one contact. It is
``retrying`` with the reason ``digest`` until the digest closes; then a claim takes it up as it does
any other. What it tells are deliveries that name it in ``told_in``: they wait without a time of
their own, are judged again when it is claimed, and from then on go where it goes, so that they are
``accepted`` or ``dead`` when it is.

- ``joining``: put deliveries of a claim into digests, and open those that are not open.
- ``claimed_members``: take up the members of a claimed digest, and close it.
- ``following``: move what is told along with the delivery that tells it.
- ``release``: close people's digests before their time.

In: rows of a claim, and ids of deliveries that moved. Out: rows. Imported by the other modules of
``apps.delivery.state``, by ``apps.delivery.sending``, and by ``apps.delivery.operations``, which
closes digests whose people chose another time.
"""
