"""A sandbox: stand-in providers that speak the real protocols, for tests, the demo and staging.

In: requests of the service. Out: the providers' documented answers, receipts, and a page and API
that show what arrived. Only tests, ``stack``, ``bench`` and ``faults`` import it, never the
service.

    python -m sandbox --dir DIR [--host 127.0.0.1] [--port 8090] [--https-port 8093]
                               [--apns-port 8091] [--smtp-port 8092] [--receipts-to URL]

It answers as FCM v1 (and its OAuth token endpoint), APNs, Twilio, SendGrid, a mail server and a
receiver of Standard Webhooks do, refuses what they refuse with the errors they document, records
what it received and misbehaves on request. In DIR (0700) it creates a CA, keys and
``sandbox.json`` with all that a client needs: base URLs, credentials, ports. The files are kept, so
a restarted sandbox is the same to its clients.

``--https-port`` serves all paths over TLS, HTTP/2 and HTTP/1.1 (with and without ALPN);
``--apns-port`` does too and asks for a client certificate; ``--port`` serves them in plain HTTP,
for curl and for the page at ``/``.

Delivery ids
    Where a message carries its delivery's id, by which duplicates are counted:

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
    ``StatusCallback`` of each message it accepted, and SendGrid posts its events to
    ``URL/v1/receipts/sendgrid``, signed, up to 0.2 s later. At SendGrid a "dead" address bounces.

Texts
    ``POST /sandbox/texts`` has somebody write to Twilio's number, which posts that, signed, to
    ``URL/v1/replies/twilio`` and records what the service answers. To whom has written STOP there
    and not START since, Twilio accepts nothing (21610); a short code keeps no such list.

Misbehaviour
    A behaviour is written ``word``, ``wordxTIMES``, ``word_SECONDS`` or ``wordxTIMES_SECONDS``.
    Times are counted per address, after which it behaves; without times it lasts.

    ========= ==== ==================================================================
    word      code what happens
    ========= ==== ==================================================================
    401       401  our credentials are refused
    403       403  the provider understands and refuses
    429       429  too many requests; Retry-After: 1, ``_N`` for N, ``_none`` for none
    500       500  the provider fails
    503       503  the provider is down; with ``_N`` it sends Retry-After: N
    dead      410  the address is gone: FCM 404 UNREGISTERED, APNs 410, Twilio 21610,
                   SMTP 550 at RCPT, webhook 410; SendGrid accepts it and bounces
    timeout   408  accepted, never answered, no receipts; cut off after 60 s, ``_N`` for N
    slow      200  accepted, answered after 2 s, ``_N`` for N
    reset     444  stream (HTTP/2) or connection reset before the answer; not accepted
    torn      206  accepted; reset in the middle of the answer
    garbled   601  accepted; the answer cannot be read
    huge      602  accepted; the answer has 16 MiB
    bounce    701  accepted; its receipt reports that there is no such address
    blocked   702  accepted; its receipt reports that the message was refused
    complaint 703  accepted; a receipt reports that its reader marks it spam (SendGrid)
    unsubscribe
              704  accepted; a receipt reports that the person unsubscribed
    twice     705  accepted; each receipt is sent twice
    reversed  706  accepted; the last receipt is sent first
    forged    707  accepted; its receipts are signed with another key
    early     708  accepted, answered after 2 s, ``_N`` for N; its receipts are sent before
    ========= ==== ==================================================================

    Addresses with a behaviour (the code where an address has only digits; 0 times: always):

    ============== ================================================================
    FCM token      contains ``sandbox-SPEC-``: ``abc-sandbox-500x2-0001``
    email          ``SPEC@sandbox.example``, ``429x1_3.anna@sandbox.example``
    webhook URL    ``/webhook/NAME?behave=SPEC``
    phone          ``+1500555TCCC``, T times: ``+15005552500`` fails twice
    APNs token     ``facadeCCCTTNN`` and any hex; NN seconds, 00 for the default
    ============== ================================================================

Control API, JSON, on any HTTP port
    ``GET /sandbox/messages?channel=&address=&since=&limit=`` returns messages, newest first; with
    ``since`` (a ``seq``) oldest first. The newest 200,000 are kept, up to 256 MiB of content.
    ``GET /sandbox/counts`` returns per provider ``requests``, ``messages`` (one per address),
    ``accepted``, ``by_status`` ("none": not answered), ``deliveries`` (distinct ids accepted) and
    ``duplicates`` (accepted again).
    ``POST /sandbox/behave`` ``{provider, behaviour, address?, times?, seconds?, retry_after?}``;
    no address: all. ``GET`` lists the rules, ``DELETE`` removes them and resets magic addresses;
    ``DELETE ?provider=&address=`` removes one rule.
    ``POST /sandbox/webhooks`` ``{name, secret}``: verify signatures for this name from now on.
    ``POST /sandbox/receipts`` ``{url}``: send receipts there from now on; null: send none.
    ``POST /sandbox/texts`` ``{from, body, to?, service?, handled?}``: a text message of somebody.
    to: a number or short code; service: the messaging service that it is in; handled: STOP, START
    or HELP, where Advanced Opt-Out took it for that.
    ``DELETE /sandbox/messages`` deletes messages, counts, webhook secrets and who wrote STOP.
    ``GET /sandbox/healthz``.
"""
