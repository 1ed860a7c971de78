"""Replies: text messages that people write to our senders.

- In: signed requests of providers.
- Out: opt-outs (``apps.preferences.consent.opt_outs``), answers, rows of replies, and messages to
  the status webhooks of whoever sent the last message.
- Imported by the API.

``processing`` reads a request and does what the reply says; ``conversation`` finds the message that
a reply answers; ``answers`` says what to answer, and how often.
"""
