"""The stand-in providers: FCM, APNs, Twilio, SendGrid, a mail server, a receiver of webhooks.

In: requests. Out: the documented answers, and entries of the ledger. Imported by ``sandbox.server``
and ``sandbox.control``.
"""
