"""The providers this installation sends through, from the environment."""

from urllib.parse import urlsplit

from config import env

# -- Channels and providers -------------------------------------------------------------------


def configured(public_url: str) -> dict[str, dict]:
    """The providers whose credentials are given, in the order in which a channel tries them.

    ``public_url`` is how they reach this service.
    """
    ca_file = env.text(
        "NOTIFIER_CA_FILE", "", "PEM file to trust beside the system's, for a sandbox"
    )
    timeout = env.number(
        "NOTIFIER_PROVIDER_TIMEOUT", 10.0, "seconds a provider has to answer one call"
    )
    concurrency = env.whole(
        "NOTIFIER_PROVIDER_CONCURRENCY", 256, "calls in flight to one provider from one process"
    )
    allowed_networks = env.items(
        "NOTIFIER_WEBHOOK_ALLOWED_NETWORKS",
        "",
        "private networks (CIDR) that webhooks may reach all the same; none by default",
    )

    wire = {
        "timeout": timeout,
        "concurrency": concurrency,
        "ca_file": ca_file or None,
    }
    found: dict[str, dict] = {}
    fcm_account = env.text(
        "NOTIFIER_FCM_SERVICE_ACCOUNT_FILE", "", "Google service account JSON; turns fcm on"
    )
    fcm = {
        "project_id": env.text("NOTIFIER_FCM_PROJECT_ID", "", "Firebase project"),
        "service_account_file": fcm_account,
        "base_url": env.text(
            "NOTIFIER_FCM_BASE_URL", "https://fcm.googleapis.com", "where FCM is reached"
        ),
    }
    if fcm_account:
        found["fcm"] = {
            "class": "notifier.providers.fcm.FCM",
            "channel": "push",
            "platforms": ["android", "web"],
            "options": {**fcm, **wire},
        }
    apns = {
        "topic": env.text("NOTIFIER_APNS_TOPIC", "", "bundle id of the iOS app; turns apns on"),
        "key_file": env.text("NOTIFIER_APNS_KEY_FILE", "", "APNs .p8 key (token auth)") or None,
        "key_id": env.text("NOTIFIER_APNS_KEY_ID", "", "id of that key") or None,
        "team_id": env.text("NOTIFIER_APNS_TEAM_ID", "", "Apple team") or None,
        "cert_file": env.text(
            "NOTIFIER_APNS_CERT_FILE", "", "PEM of certificate and key (certificate auth)"
        )
        or None,
        "base_url": env.text(
            "NOTIFIER_APNS_BASE_URL", "https://api.push.apple.com", "where APNs is reached"
        ),
    }
    if apns["topic"]:
        found["apns"] = {
            "class": "notifier.providers.apns.APNs",
            "channel": "push",
            "platforms": ["ios"],
            "options": {**apns, **wire},
        }
    twilio = {
        "account_sid": env.text("NOTIFIER_TWILIO_ACCOUNT_SID", "", "turns twilio on"),
        "auth_token": env.text("NOTIFIER_TWILIO_AUTH_TOKEN", "", "its auth token"),
        "from_number": env.text("NOTIFIER_TWILIO_FROM_NUMBER", "", "sender, E.164"),
        "messaging_service_sid": env.text(
            "NOTIFIER_TWILIO_MESSAGING_SERVICE_SID", "", "instead of a sender"
        ),
        "base_url": env.text(
            "NOTIFIER_TWILIO_BASE_URL", "https://api.twilio.com", "where Twilio is reached"
        ),
        "status_callback": env.text(
            "NOTIFIER_TWILIO_STATUS_CALLBACK",
            "",
            "URL Twilio reports to; without one `/v1/receipts/twilio` at NOTIFIER_PUBLIC_URL, "
            "unless Twilio could not reach that",
        )
        or _receipts_url(public_url, "twilio"),
    }
    if _is_local(twilio["status_callback"]) and not _is_local(twilio["base_url"]):
        twilio["status_callback"] = ""  # Twilio refuses such a message (21609)
    if twilio["account_sid"]:
        found["twilio"] = {
            "class": "notifier.providers.twilio.Twilio",
            "channel": "sms",
            "options": {**twilio, **wire},
        }
        if twilio["status_callback"]:
            found["twilio"]["receipts"] = {
                "class": "notifier.receipts.twilio.TwilioReceipts",
                "options": {
                    "auth_token": twilio["auth_token"],
                    "callback": twilio["status_callback"],
                },
            }
    sendgrid = {
        "api_key": env.text("NOTIFIER_SENDGRID_API_KEY", "", "turns sendgrid on"),
        "from_email": env.text("NOTIFIER_SENDGRID_FROM_EMAIL", "", "sender"),
        "from_name": env.text("NOTIFIER_SENDGRID_FROM_NAME", "", "sender's name"),
        "base_url": env.text(
            "NOTIFIER_SENDGRID_BASE_URL", "https://api.sendgrid.com", "where SendGrid is reached"
        ),
    }
    sendgrid_key = env.text(
        "NOTIFIER_SENDGRID_WEBHOOK_PUBLIC_KEY",
        "",
        "verification key of its signed Event Webhook; without it `/v1/receipts/sendgrid` takes "
        "nothing",
    )
    if sendgrid["api_key"]:
        found["sendgrid"] = {
            "class": "notifier.providers.sendgrid.SendGrid",
            "channel": "email",
            "options": {**sendgrid, **wire},
        }
        if sendgrid_key:
            found["sendgrid"]["receipts"] = {
                "class": "notifier.receipts.sendgrid.SendGridReceipts",
                "options": {"public_key": sendgrid_key},
            }
    smtp = {
        "host": env.text("NOTIFIER_SMTP_HOST", "", "mail server; turns smtp on"),
        "port": env.whole("NOTIFIER_SMTP_PORT", 587, "its port"),
        "username": env.text("NOTIFIER_SMTP_USERNAME", "", "log-in, if it wants one"),
        "password": env.text("NOTIFIER_SMTP_PASSWORD", "", "its password"),
        "tls": env.text("NOTIFIER_SMTP_TLS", "starttls", "`starttls`, `implicit` or `none`"),
        "from_email": env.text("NOTIFIER_SMTP_FROM_EMAIL", "", "sender"),
        "from_name": env.text("NOTIFIER_SMTP_FROM_NAME", "", "sender's name"),
    }
    if smtp["host"]:
        found["smtp"] = {
            "class": "notifier.providers.smtp.SMTP",
            "channel": "email",
            "options": {**smtp, **wire},
        }
    found["webhook"] = {
        "class": "notifier.providers.webhook.Webhook",
        "channel": "webhook",
        "breaker": False,  # every URL is a server of its own
        "options": {**wire, "allowed_networks": allowed_networks},
    }
    found["inbox"] = {
        "class": "notifier.providers.inbox.Inbox",
        "channel": "inbox",
        "breaker": False,  # our own table: without it nothing goes on anyway
        "options": {},
    }
    preferred = env.items(
        "NOTIFIER_PROVIDER_ORDER",
        "",
        "providers to try first, by name, where a channel has several",
    )
    return dict(
        sorted(
            found.items(),
            key=lambda entry: (
                preferred.index(entry[0]) if entry[0] in preferred else len(preferred)
            ),
        )
    )


def _receipts_url(public_url: str, provider: str) -> str:
    return f"{public_url.rstrip('/')}/v1/receipts/{provider}"


def _is_local(url: str) -> bool:
    """Whether only this machine reaches it."""
    return urlsplit(url).hostname in ("127.0.0.1", "::1", "localhost")
