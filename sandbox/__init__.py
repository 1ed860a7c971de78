"""Stand-in providers that speak the real wire protocols, for tests, the demo and staging.

    python -m sandbox --dir DIR [--host 127.0.0.1] [--port 8090] [--https-port 8093]
                               [--apns-port 8091] [--smtp-port 8092] [--receipts-to URL]

It answers as FCM v1 (and its OAuth token endpoint), APNs, Twilio, SendGrid, a mail server and a
receiver of Standard Webhooks would, refuses what they refuse with the errors they document,
keeps what it received and misbehaves on request. In DIR (0700) it makes a CA, keys and
``sandbox.json``, which tells a client everything: base URLs, credentials, ports. They are kept,
so a restarted sandbox is the same to its clients.

``--https-port`` serves all paths over TLS, HTTP/2 and HTTP/1.1 (with and without ALPN);
``--apns-port`` does too and asks for a client certificate; ``--port`` serves them in plain HTTP,
for curl and for the page at ``/``.

Delivery ids
    How a message says which delivery it is, so that duplicates can be counted:

    ========  =============================================================
    fcm       ``message.data["delivery_id"]``
    apns      ``delivery_id`` at the top of the payload
    twilio    query parameter ``delivery_id`` of ``StatusCallback``, if any
    sendgrid  ``custom_args.delivery_id`` of each personalization
    smtp      header ``X-Notifier-Delivery-Id``
    webhook   header ``webhook-id``
    ========  =============================================================

Receipts
    With ``--receipts-to URL`` (the service's, on this machine, plain HTTP) Twilio calls the
    ``StatusCallback`` of each message it took, and SendGrid posts its events to
    ``URL/v1/receipts/sendgrid``, signed, up to 0.2 s later. SendGrid calls a "dead" address one
    that bounces.

Misbehaviour
    A behaviour is written ``word``, ``wordxTIMES``, ``word_SECONDS`` or ``wordxTIMES_SECONDS``.
    Times are counted per address, and then it heals; without times it lasts.

    ========= ==== ==================================================================
    word      code what happens
    ========= ==== ==================================================================
    401       401  our credentials are refused
    403       403  the provider understands and will not do it
    429       429  too many requests; Retry-After: 1, ``_N`` for N, ``_none`` for none
    500       500  the provider fails
    503       503  the provider is down; with ``_N`` it says Retry-After: N
    dead      410  the address is gone: FCM 404 UNREGISTERED, APNs 410, Twilio 21610,
                   SMTP 550 at RCPT, webhook 410; SendGrid takes it all the same
    timeout   408  accepted, never answered, no receipts; cut off after 60 s, ``_N`` for N
    slow      200  accepted, answered after 2 s, ``_N`` for N
    reset     444  stream (HTTP/2) or connection reset before the answer; not accepted
    torn      206  accepted; reset in the middle of the answer
    garbled   601  accepted; the answer cannot be read
    huge      602  accepted; the answer has 16 MiB
    bounce    701  accepted; its receipt says that there is no such address
    blocked   702  accepted; its receipt says that the message was refused
    complaint 703  accepted; a receipt says that its reader calls it spam (SendGrid)
    unsubscribe
              704  accepted; a receipt says that the person wants no more
    twice     705  accepted; each receipt comes twice
    reversed  706  accepted; the last receipt comes first
    forged    707  accepted; its receipts are signed by somebody else
    early     708  accepted, answered after 2 s, ``_N`` for N; its receipts come before
    ========= ==== ==================================================================

    Addresses that ask for it (the code where an address has only digits; 0 times: always):

    ============== ================================================================
    FCM token      contains ``sandbox-SPEC-``: ``abc-sandbox-500x2-0001``
    email          ``SPEC@sandbox.example``, ``429x1_3.anna@sandbox.example``
    webhook URL    ``/webhook/NAME?behave=SPEC``
    phone          ``+1500555TCCC``, T times: ``+15005552500`` fails twice
    APNs token     ``facadeCCCTTNN`` and any hex; NN seconds, 00 for the default
    ============== ================================================================

Control API, JSON, on any HTTP port
    ``GET /sandbox/messages?channel=&address=&since=&limit=`` what arrived, newest first; with
    ``since`` (a ``seq``) oldest first. The newest 200,000 are kept, up to 256 MiB of content.
    ``GET /sandbox/counts`` per provider ``requests``, ``messages`` (one an address),
    ``accepted``, ``by_status`` ("none": not answered), ``deliveries`` (distinct ids accepted) and
    ``duplicates`` (accepted again).
    ``POST /sandbox/behave`` ``{provider, behaviour, address?, times?, seconds?, retry_after?}``;
    no address: all. ``GET`` lists the rules, ``DELETE`` forgets them and heals magic addresses;
    ``DELETE ?provider=&address=`` forgets one of them.
    ``POST /sandbox/webhooks`` ``{name, secret}``: verify signatures for this name from now on.
    ``POST /sandbox/receipts`` ``{url}``: send receipts there from now on; null: send none.
    ``DELETE /sandbox/messages`` forgets messages, counts and webhook secrets.
    ``GET /sandbox/healthz``.
"""
