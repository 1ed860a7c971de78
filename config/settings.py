"""Every value this installation runs with. ``docs/configuration.md`` explains each."""

import os
from pathlib import Path
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from config import database, env, installation, tokens
from config.operators.unfold import UNFOLD  # noqa: F401  # the admin's theme reads it
from config.providers import accounts, entries
from config.worker import broker, queues
from notifier.domain.priorities import Priority
from notifier.domain.queues import HOUSEKEEPING, RECEIPTS, at_broker
from notifier.security.crypto import Keyring

BASE_DIR = Path(__file__).resolve().parent.parent

# -- Secrets ----------------------------------------------------------------------------------

SECRET_KEY = env.text(
    "NOTIFIER_SECRET_KEY", None, "signs confirmation links, lists' cursors and admin sessions"
)
SECRET_KEY_FALLBACKS = env.items(
    "NOTIFIER_SECRET_KEY_FALLBACKS", "", "earlier ones, whose signatures still hold"
)
ENCRYPTION_KEYS = env.text(
    "NOTIFIER_ENCRYPTION_KEYS",
    None,
    "keys for addresses and bodies at rest, `id:base64,…`; the first encrypts, all decrypt",
)
BLIND_INDEX_KEY = env.text(
    "NOTIFIER_BLIND_INDEX_KEY",
    None,
    "base64 of 32 bytes; addresses are looked up by a hash keyed with it; it must never change",
)
try:
    Keyring.parse(ENCRYPTION_KEYS, BLIND_INDEX_KEY)
except ValueError as error:
    raise ImproperlyConfigured(
        f"NOTIFIER_ENCRYPTION_KEYS or NOTIFIER_BLIND_INDEX_KEY: {error}"
    ) from None

# -- Tokens that others sign ------------------------------------------------------------------

INBOX_TOKENS = tokens.of_end_users()
PUBLISHER_TOKENS = tokens.of_publishers()
PUBLISHER_JWT_CLAIMS = env.items(
    "NOTIFIER_PUBLISHER_JWT_CLAIM",
    "client_id",
    "claim that names the publisher; of several (`client_id,azp`) the first that is there",
)

# -- Where things are -------------------------------------------------------------------------

DATABASE_URL = env.server(
    "DATABASE_URL",
    "postgres://postgres@127.0.0.1:5432/notifier",
    "PostgreSQL 14 or newer; several hosts (`host1:5432,host2:5432`) are asked for the primary, "
    "and libpq's parameters may follow a `?`",
    ("postgres", "postgresql"),
)
REDIS_URL = env.redis("REDIS_URL", "redis://127.0.0.1:6379/0", "Redis 6.2 or newer")
AMQP_URL = broker.url(
    env.text(
        "AMQP_URL",
        "amqp://guest:guest@127.0.0.1:5672//",
        "RabbitMQ 3.10 or newer; of a cluster the URL of each node, with `;` between them; a "
        "`redis://` URL makes Redis the broker",
    )
)
QUORUM_QUEUES = env.flag(
    "NOTIFIER_QUORUM_QUEUES", False, "declare RabbitMQ's queues as quorum queues (for clusters)"
)
PUBLIC_URL = env.url(
    "NOTIFIER_PUBLIC_URL", "http://127.0.0.1:8000", "how the outside reaches this service"
)
INSTALLATION = installation.name(
    env.text(
        "NOTIFIER_INSTALLATION",
        "",
        "tells this installation from others at the same providers and receivers, as a part of "
        "every delivery's id; without one it is made of the blind index key and the host of "
        "NOTIFIER_PUBLIC_URL: set it to what it was where that host changes",
    ),
    BLIND_INDEX_KEY,
    PUBLIC_URL,
)
QUEUE_PREFIX = queues.prefix(
    env.text(
        "NOTIFIER_QUEUE_PREFIX",
        "",
        "what the names of queues and exchanges begin with at the broker, the same for all "
        "processes of an installation; without one it is `notifier.` and the installation's name, "
        "so that several installations can share a virtual host",
    ),
    INSTALLATION,
)
DATABASE_POOL = env.whole(
    "NOTIFIER_DATABASE_POOL", 5, "database connections kept by each process, at most", least=1
)

LEASE_SECONDS = env.number(
    "NOTIFIER_LEASE_SECONDS",
    20.0,
    "a worker that has not been heard of for so long loses its chunk to another",
    above=0,
)

# Shorter than a third of a lease, or a busy pool would cost a worker its chunks.
DATABASES = database.settings(DATABASE_URL, DATABASE_POOL, min(5.0, LEASE_SECONDS / 4))
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "OPTIONS": {"socket_timeout": 0.5, "socket_connect_timeout": 0.5},
    }
}

# -- Django -----------------------------------------------------------------------------------

DEBUG = env.flag("NOTIFIER_DEBUG", False, "show tracebacks to the browser; never in production")
ALLOWED_HOSTS = env.items(
    "NOTIFIER_ALLOWED_HOSTS", "127.0.0.1,localhost", "host names this service answers to"
)
CSRF_TRUSTED_ORIGINS = env.items(
    "NOTIFIER_CSRF_TRUSTED_ORIGINS", "", "origins the admin may be posted from, behind a proxy"
)
TRUSTED_PROXIES = env.networks(
    "NOTIFIER_TRUSTED_PROXIES",
    "",
    "addresses of proxies in front of this service, as networks; what they write in "
    "X-Forwarded-For is believed, where the audit trail says from where a change came and log-ins "
    "are limited by address, and X-Forwarded-Proto where the public URL is https",
)
# Behind TLS the admin's cookies never travel without it, browsers stay with it for a year, and its
# forms are posted from the address that is the service's own.
_tls = PUBLIC_URL.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _tls
SECURE_HSTS_SECONDS = 31_536_000 if _tls else 0
if _tls:
    CSRF_TRUSTED_ORIGINS = [*CSRF_TRUSTED_ORIGINS, "https://" + urlsplit(PUBLIC_URL).netloc]
if _tls and TRUSTED_PROXIES:
    # Whatever reaches this service came through one of them, which says whether TLS was used.
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
# What `check --deploy` would have besides: whether plain HTTP is redirected is the proxy's part
# (probes and neighbours inside ask without TLS), and whether the domain's other hosts use TLS is
# not ours to say.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W008", "security.W021"]
# An operator's log-in ends after so long without a page, and after so long in any case. Each page
# of the admin prolongs it (``OperatorsSite``); Django's own way to do that would have every request
# with some cookie write a session, the API's and health checks too.
SESSION_COOKIE_AGE = env.whole(
    "NOTIFIER_SESSION_IDLE_SECONDS", 3600, "an operator who opens no page for so long is logged out"
)
SESSION_LONGEST = env.whole(
    "NOTIFIER_SESSION_SECONDS", 43_200, "an operator logs in again after so many seconds"
)
SESSION_COOKIE_SAMESITE = "Lax"
INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",  # before the admin, whose templates it replaces
    "apps.publishers.apps.OperatorsConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django_celery_beat",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "apps.publishers",
    "apps.preferences",
    "apps.topics",
    "apps.content",
    "apps.inbox",
    "apps.delivery",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "apps.api.security_headers.security_headers",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "apps.publishers.audit.Acting",
]
#: Of these, what does something under /v1/: there are no sessions, forms or files there, and its
#: paths are complete (``config.wsgi``).
API_MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "apps.api.security_headers.security_headers",
    "apps.api.paths.CompletePaths",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "apps.publishers.audit.Acting",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "apps" / "publishers" / "overrides"],  # in the place of unfold's
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
SESSION_ENGINE = "apps.operators.sessions"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
FORMAT_MODULE_PATH = ["config.formats"]
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "static"
WHITENOISE_USE_FINDERS = True  # no collectstatic step on a fresh machine

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "apps.publishers.api.authentication.PublisherAuthentication"
    ],
    "DEFAULT_PERMISSION_CLASSES": ["apps.publishers.api.permissions.HasScope"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "apps.api.openapi.ProblemSchema",
    "DEFAULT_PAGINATION_CLASS": "apps.api.pagination.CursorPage",
    "EXCEPTION_HANDLER": "apps.api.problems.handle",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Notifier",
    "VERSION": "1.0.0",
    "DESCRIPTION": "Say what happened; every person hears of it once, on the channels they chose.",
    "OAS_VERSION": "3.1.0",
    "SERVERS": [{"url": PUBLIC_URL.rstrip("/"), "description": "this installation"}],
    "CONTACT": {"name": "the operators of this installation", "url": PUBLIC_URL},
    "LICENSE": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
    "TAGS": [
        {"name": name, "description": meaning}
        for name, meaning in (
            ("Notifications", "Say what happened, and read what became of it."),
            ("Topics", "Names that people subscribe to, and who may publish to them."),
            ("Subscriptions", "Who hears of a topic, and where."),
            ("Confirmation", "Whoever holds an address confirms that it is to be subscribed."),
            ("Recipients", "People, where they are reached, and what they want."),
            ("Groups", "Named sets of recipients that are notified as one."),
            ("Templates", "What notifications say, by channel and locale, in versions."),
            ("Inbox", "What a person has in the app, opened with their own token."),
            ("Statistics", "What deliveries came to, and what a publisher used."),
            ("Dead letters", "Deliveries that were given up, and putting them back."),
            ("Status webhooks", "Being told what became of deliveries."),
            ("Suppressions", "Addresses that nothing is sent to."),
            ("Receipts", "Where providers report."),
            ("API keys", "A publisher's own keys."),
            ("Audit", "Who changed what."),
        )
    ],
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "SERVE_INCLUDE_SCHEMA": False,
    "PATH_CONVERTER_OVERRIDES": {"any_case_uuid": {"type": "string", "format": "uuid"}},
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": [],
    "SCHEMA_PATH_PREFIX": "/v1",
    "ENUM_NAME_OVERRIDES": {
        "ChannelEnum": "config.settings.CHANNELS",
        "ContactChannelEnum": "apps.preferences.api.serializers.contact_channels",
        "PriorityEnum": [p.value for p in Priority],
        "ContactStateEnum": ["active", "disabled"],
        "NotificationStateEnum": ["scheduled", "sending", "done", "cancelled"],
    },
    "APPEND_COMPONENTS": {
        "headers": {
            name: {"description": meaning, "schema": {"type": kind}}
            for name, kind, meaning in (
                ("RateLimit-Limit", "integer", "requests at once, after a rest"),
                ("RateLimit-Remaining", "integer", "requests left now"),
                ("RateLimit-Reset", "integer", "seconds until all of them are left again"),
                ("Retry-After", "integer", "seconds to wait before the same request"),
                ("WWW-Authenticate", "string", "the scheme, and what was wrong (RFC 6750)"),
            )
        }
    },
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}

# -- Channels and providers -------------------------------------------------------------------

#: name -> the object that knows the channel. docs/adding-a-channel.md says what else a new one
#: needs: a provider, a retry schedule and a worker.
CHANNELS = {
    "push": "notifier.channels.push.Push",
    "sms": "notifier.channels.sms.Sms",
    "email": "notifier.channels.email.Email",
    "webhook": "notifier.channels.webhook.Webhook",
    "inbox": "notifier.channels.inbox.Inbox",
}

PROVIDERS = entries.configured(PUBLIC_URL)
#: By channel, the settings that give it a provider, each with its platforms.
PROVIDER_SETTINGS = accounts.turned_on_by()

# -- Delivery ---------------------------------------------------------------------------------

CHUNK_SIZE = env.whole(
    "NOTIFIER_CHUNK_SIZE",
    1000,
    "recipients of one chunk and deliveries of one claim, at most",
    least=1,
)
#: Beyond these, publishing at a priority is refused with 503: seconds that the oldest notification
#: of a channel has waited, and seconds until the database answers.
OVERLOAD_BACKLOG = {
    "low": env.number(
        "NOTIFIER_OVERLOAD_BACKLOG_LOW",
        3600.0,
        "low-priority publishing is refused on a channel while a low or normal notification has "
        "been due there for so many seconds",
    ),
    "normal": env.number(
        "NOTIFIER_OVERLOAD_BACKLOG_NORMAL",
        7200.0,
        "normal-priority publishing is refused on a channel while a normal one has",
    ),
}
OVERLOAD_DATABASE = {
    "low": env.number(
        "NOTIFIER_OVERLOAD_DATABASE_LOW",
        1.0,
        "low-priority publishing is refused while the database takes so many seconds to give a "
        "connection and answer",
    ),
    "normal": env.number("NOTIFIER_OVERLOAD_DATABASE_NORMAL", 3.0, "the same for normal"),
}
#: Seconds between attempts by channel, where the topic does not say otherwise.
RETRY_SCHEDULES = {
    "push": env.numbers(
        "NOTIFIER_RETRY_PUSH", "2,5,15,60,300,900,3600", "seconds between attempts on push"
    ),
    "sms": env.numbers("NOTIFIER_RETRY_SMS", "2,10,60,300,900", "the same for sms"),
    "email": env.numbers("NOTIFIER_RETRY_EMAIL", "5,30,300,1800,7200,14400", "for email"),
    # The example schedule of Standard Webhooks 1.0.0.
    "webhook": env.numbers(
        "NOTIFIER_RETRY_WEBHOOK",
        "5,300,1800,7200,18000,36000,50400,72000,86400",
        "for webhooks",
    ),
    "inbox": env.numbers("NOTIFIER_RETRY_INBOX", "1,2,5,10,30,60,300", "for the inbox"),
}
#: What to do when a provider may have the message but did not say so: `channel.priority` pairs
#: in which to send again. SMS costs money and email annoys, a webhook receiver deduplicates by
#: `webhook-id`, a push replaces itself, and an OTP that did not come is worse than two.
RESEND_UNKNOWN = frozenset(
    env.items(
        "NOTIFIER_RESEND_UNKNOWN",
        "push.high,push.normal,push.low,webhook.high,webhook.normal,webhook.low,"
        "inbox.high,inbox.normal,inbox.low,sms.high,email.high",
        "`channel.priority` pairs sent again when a call ends without an answer; what a worker "
        "was sending when it died is sent again in any case",
        among=[f"{channel}.{priority}" for channel in CHANNELS for priority in Priority],
    )
)
#: When a provider is left alone (``notifier.resilience.breaker.Rules``). GOV.UK Notify turns to its
#: other SMS provider after 50 errors in 60 seconds.
BREAKER = {
    "failures": env.whole(
        "NOTIFIER_BREAKER_FAILURES", 20, "failed calls in a row that open a provider's breaker"
    ),
    "share": env.number(
        "NOTIFIER_BREAKER_SHARE", 0.5, "or the share of failed calls that opens it"
    ),
    "calls": env.whole(
        "NOTIFIER_BREAKER_CALLS", 50, "calls at least, before the share of failed ones counts"
    ),
    "window": env.number("NOTIFIER_BREAKER_WINDOW", 30.0, "seconds over which they are counted"),
    "cooldown": env.number(
        "NOTIFIER_BREAKER_COOLDOWN",
        5.0,
        "seconds an open breaker keeps messages back; twice as long each time it stays broken",
    ),
    "longest_cooldown": env.number(
        "NOTIFIER_BREAKER_LONGEST_COOLDOWN", 120.0, "seconds it keeps them back at most"
    ),
    "probes": env.whole(
        "NOTIFIER_BREAKER_PROBES", 5, "messages that are let through then, to see how it goes"
    ),
}
# A breaker of its own: whether a provider is believed that calls addresses dead
# (docs/decisions/0034-a-flood-of-dead-addresses-is-our-mistake.md).
DEAD_ADDRESSES = {
    "failures": env.whole(
        "NOTIFIER_DEAD_ADDRESSES_IN_A_ROW",
        20,
        "so many addresses in a row that a provider calls dead are not believed: none is given up, "
        "and its messages wait",
    ),
    "share": env.number(
        "NOTIFIER_DEAD_ADDRESSES_SHARE", 0.5, "nor such a share of those of a minute"
    ),
    "calls": env.whole(
        "NOTIFIER_DEAD_ADDRESSES_CALLS", 50, "addresses at least, before their share counts"
    ),
    "window": 60.0,
    "cooldown": 15.0,
    "longest_cooldown": 600.0,
}
IDEMPOTENCY_HOURS = env.whole(
    "NOTIFIER_IDEMPOTENCY_HOURS", 24, "how long an Idempotency-Key is remembered"
)

CONFIRMATION_HOURS = env.whole(
    "NOTIFIER_CONFIRMATION_HOURS", 72, "how long a subscription can be confirmed by what was sent"
)
CONFIRMATIONS_PER_DAY = env.whole(
    "NOTIFIER_CONFIRMATIONS_PER_DAY",
    3,
    "confirmations that one address is sent in any 24 hours, over all topics; at least 1",
)
CONFIRMATIONS_PER_PUBLISHER = env.whole(
    "NOTIFIER_CONFIRMATIONS_PER_PUBLISHER",
    10_000,
    "confirmations that are sent for one publisher's topics in any 24 hours; more wait",
)

RATE_PER_SECOND = env.whole(
    "NOTIFIER_RATE_PER_SECOND",
    500,
    "requests a second of one publisher; twice as many at once after a rest",
)
QUOTA_PER_DAY = env.whole(
    "NOTIFIER_QUOTA_PER_DAY",
    10_000_000,
    "notifications accepted from one publisher from midnight to midnight UTC",
)
HIGH_QUOTA_PER_DAY = env.whole(
    "NOTIFIER_HIGH_QUOTA_PER_DAY",
    10_000_000,
    "the same for those of high priority, which count apart",
)
HIGH_RATE_PER_SECOND = env.whole(
    "NOTIFIER_HIGH_RATE_PER_SECOND",
    1000,
    "notifications of high priority a second of one publisher; twice as many at once after a rest",
    least=1,
)
CONTACTS_PER_CHANNEL = env.whole(
    "NOTIFIER_CONTACTS_PER_CHANNEL",
    100,
    "addresses that a recipient has on a channel, at most",
    least=1,
)
STATISTICS_DAYS = env.whole(
    "NOTIFIER_STATISTICS_DAYS",
    400,
    "days of statistics that can be told apart: by the hour for 31 days, by the day after",
)
AUDIT_DAYS = env.whole(
    "NOTIFIER_AUDIT_DAYS", 400, "how long the audit trail and the directory's keep a change"
)

INBOX_DAYS = env.whole(
    "NOTIFIER_INBOX_DAYS", 7, "when an inbox item expires that was sent without expires_at"
)

# -- Celery -----------------------------------------------------------------------------------

_amqp = AMQP_URL.startswith("amqp")
_UNACKNOWLEDGED = ("unacked", "unacked_index", "unacked_mutex")
CELERY_BROKER_URL = AMQP_URL
CELERY_WORKER_CONSUMER = "config.worker.consumer:Consumer"
CELERY_TASK_QUEUES = queues.live(QUEUE_PREFIX, CHANNELS, quorum=QUORUM_QUEUES)
CELERY_TASK_DEFAULT_QUEUE = at_broker(QUEUE_PREFIX, HOUSEKEEPING)
CELERY_TASK_DEFAULT_EXCHANGE = queues.exchange(QUEUE_PREFIX).name
# A worker with a queue that there is not would wait there for ever.
CELERY_TASK_CREATE_MISSING_QUEUES = False
# Celery's own exchanges and queues, for remote control and events.
CELERY_CONTROL_EXCHANGE = QUEUE_PREFIX
CELERY_EVENT_EXCHANGE = CELERY_EVENT_QUEUE_PREFIX = at_broker(QUEUE_PREFIX, "events")
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
# A doorbell is acknowledged as soon as it is heard, and no broker writes it to its disk for us.
CELERY_TASK_ACKS_LATE = False
CELERY_TASK_DEFAULT_DELIVERY_MODE = "transient"
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# After a lost connection Celery lowers the prefetch count and restores it from the thread that ends
# a task, while the main thread reads the same connection: both then wait for the other's frame.
CELERY_WORKER_ENABLE_PREFETCH_COUNT_REDUCTION = False
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 30.0
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_SEND_TASK_EVENTS = env.flag(
    "NOTIFIER_TASK_EVENTS", True, "tell Flower of every task; costs a few messages per chunk"
)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_CONNECTION_TIMEOUT = 4.0
# After twice as long without a word a worker connects anew; RabbitMQ advises 5 to 20.
CELERY_BROKER_HEARTBEAT = 5
CELERY_BROKER_TRANSPORT_OPTIONS = (
    # A broker that says nothing keeps nobody for longer, neither who publishes nor a worker that is
    # to stop. There are no confirms: a lost doorbell costs nothing, and under a memory alarm they
    # would not come, but workers that answer Flower would wait for them and consume nothing.
    {"read_timeout": 5.0, "write_timeout": 5.0}
    if _amqp
    # Redis gives an unacknowledged message back after this long; leases are far shorter.
    else {
        "visibility_timeout": 600,
        "socket_timeout": 10.0,
        "socket_connect_timeout": 2.0,
        # What was taken and not acknowledged, by all who share the database.
        **{f"{key}_key": at_broker(QUEUE_PREFIX, key) for key in _UNACKNOWLEDGED},
    }
)
# Once more on a new connection, where the old one was gone; beyond that, the row is the outbox and
# the sweeper publishes again.
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0, "interval_max": 0.2}
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_BEAT_MAX_LOOP_INTERVAL = 1
CELERY_BEAT_SCHEDULE = {
    "sweep": {"task": "delivery.sweep", "schedule": 1.0, "options": {"expires": 5}},
    "confirmations": {
        "task": "delivery.confirmations",
        "schedule": 1.0,
        "options": {"expires": 5},
    },
    "receipts": {
        "task": "delivery.receipts",
        "schedule": 1.0,
        "options": {"expires": 5, "queue": RECEIPTS},
    },
    "purge": {"task": "delivery.purge", "schedule": 600.0, "options": {"expires": 600}},
    "purge-inboxes": {"task": "inbox.purge", "schedule": 600.0, "options": {"expires": 600}},
}
CELERY_TIMEZONE = "UTC"

# -- Logs and metrics -------------------------------------------------------------------------

LOG_LEVEL = env.choice(
    "NOTIFIER_LOG_LEVEL",
    "INFO",
    "DEBUG, INFO, WARNING or ERROR",
    ("DEBUG", "INFO", "WARNING", "ERROR"),
)
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"format": "{asctime} {levelname} {processName} {name}: {message}", "style": "{"}
    },
    "filters": {"seldom": {"()": "config.logs.Seldom"}},
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "line"},
        "seldom": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["seldom"]},
    },
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    "loggers": {
        # A line for every task received and done says nothing that the rows do not.
        "celery.app.trace": {"level": "WARNING"},
        # What a publisher did wrong is in its answer; here it would bury what is wrong with us.
        "django.request": {"level": "ERROR"},
        "django.security": {"handlers": ["seldom"], "propagate": False},
        "celery.worker.strategy": {"level": "WARNING"},
    },
}
METRICS_DIR = env.text(
    "PROMETHEUS_MULTIPROC_DIR",
    str(BASE_DIR / ".notifier" / "metrics"),
    "where the processes of this machine add up their metrics; one for all of them",
)
os.environ["PROMETHEUS_MULTIPROC_DIR"] = METRICS_DIR
Path(METRICS_DIR).mkdir(parents=True, exist_ok=True)

env.check(accounts.explain_unknown)
