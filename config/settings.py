"""Django's settings. ``docs/configuration.md`` lists those that the environment sets.

Values that no environment variable changes are in ``config.web.framework``, ``config.web.openapi``,
``config.logs`` and ``config.worker.beat``.
"""

import os
from pathlib import Path
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from config import database, delivery, env, installation, logs, people, tokens
from config.operators import alerts, monitoring, sign_in
from config.operators.unfold import UNFOLD  # noqa: F401  # the admin's theme reads it
from config.processes import process, table
from config.providers import accounts, entries, keywords
from config.web import openapi
from config.web.framework import (  # noqa: F401  # settings of their own
    API_MIDDLEWARE,
    AUTH_PASSWORD_VALIDATORS,
    INSTALLED_APPS,
    MIDDLEWARE,
    REST_FRAMEWORK,
    TEMPLATES,
)
from config.worker import beat, broker, queues
from notifier.domain.queues import HOUSEKEEPING, at_broker
from notifier.security.crypto import Keyring
from notifier.security.link_keys import LinkKeys

BASE_DIR = Path(__file__).resolve().parent.parent

# -- Secrets ----------------------------------------------------------------------------------

SECRET_KEY = env.text(
    "NOTIFIER_SECRET_KEY", None, "signs confirmation links, lists' cursors and admin sessions"
)
SECRET_KEY_FALLBACKS = env.items(
    "NOTIFIER_SECRET_KEY_FALLBACKS", "", "earlier secret keys, whose signatures are still accepted"
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
LINK_KEYS = env.text(
    "NOTIFIER_LINK_KEYS",
    "",
    "keys of the links in messages by which people leave and choose, `id:base64,…`; the first "
    "makes links, all open them; if empty they are derived from NOTIFIER_ENCRYPTION_KEYS",
)
try:
    LinkKeys.parse(LINK_KEYS or ENCRYPTION_KEYS)
except ValueError as error:
    raise ImproperlyConfigured(f"NOTIFIER_LINK_KEYS: {error}") from None

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
    "PostgreSQL 14 or newer; of several hosts (`host1:5432,host2:5432`) the primary is used, and "
    "libpq's parameters may follow a `?`",
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
BROKER_CA_FILE = broker.ca_file()
QUORUM_QUEUES = env.flag(
    "NOTIFIER_QUORUM_QUEUES", False, "declare RabbitMQ's queues as quorum queues (for clusters)"
)
PUBLIC_URL = env.url(
    "NOTIFIER_PUBLIC_URL",
    "http://127.0.0.1:8000",
    "URL at which clients and providers reach this service",
)
INSTALLATION = installation.name(
    env.text(
        "NOTIFIER_INSTALLATION",
        "",
        "name of this installation, a part of every delivery's id, which tells it from others at "
        "the same providers and receivers; if empty it is derived from the blind index key and the "
        "host of NOTIFIER_PUBLIC_URL: keep the old name where that host changes",
    ),
    BLIND_INDEX_KEY,
    PUBLIC_URL,
)
QUEUE_PREFIX = queues.prefix(
    env.text(
        "NOTIFIER_QUEUE_PREFIX",
        "",
        "prefix of the names of queues and exchanges at the broker, the same for all processes of "
        "an installation; if empty it is `notifier.` and the installation's name, so that several "
        "installations can share a virtual host",
    ),
    INSTALLATION,
)
DATABASE_POOL = env.whole(
    "NOTIFIER_DATABASE_POOL", 5, "maximum of database connections of each process", least=1
)

LEASE_SECONDS = env.number(
    "NOTIFIER_LEASE_SECONDS",
    20.0,
    "length of a lease: a claim that its worker has not renewed for so long is released",
    above=0,
)

# Shorter than a third of a lease, or waiting for a busy pool would cost a worker its claims.
SESSION_LIMITS = database.LIMITS  # for `manage.py doctor`
DATABASES = database.settings(DATABASE_URL, DATABASE_POOL, min(5.0, LEASE_SECONDS / 4))

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
# Behind TLS the admin's cookies are never sent without it, browsers insist on it for a year, and
# forms are posted from the service's own origin.
_tls = PUBLIC_URL.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _tls
SECURE_HSTS_SECONDS = 31_536_000 if _tls else 0
if _tls:
    CSRF_TRUSTED_ORIGINS = [*CSRF_TRUSTED_ORIGINS, "https://" + urlsplit(PUBLIC_URL).netloc]
if _tls and TRUSTED_PROXIES:
    # Every request came through one of the proxies, which says whether TLS was used.
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
# Fields of a form at most, where Django has 1,000: the page of preferences has a box for each of a
# person's 300 topics, and each category, on each channel.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 10_000
# Findings of `check --deploy` that do not apply: redirecting plain HTTP is the proxy's part (probes
# and internal clients ask without TLS), and whether the domain's other hosts use TLS is not known.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W008", "security.W021"]
# An operator's session has an idle limit and an absolute one. Each page of the admin prolongs it
# (``OperatorsSite``); with Django's SESSION_SAVE_EVERY_REQUEST every request with a cookie would
# write a session, those of the API and health checks too.
SESSION_COOKIE_AGE = env.whole(
    "NOTIFIER_SESSION_IDLE_SECONDS", 3600, "idle time after which an operator is logged out"
)
SESSION_LONGEST = env.whole(
    "NOTIFIER_SESSION_SECONDS", 43_200, "time after which an operator has to log in again"
)
SESSION_COOKIE_SAMESITE = "Lax"
OIDC, PASSWORD_LOG_IN, SECOND_FACTOR_REQUIRED = sign_in.ways_in()
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
SESSION_ENGINE = "apps.operators.sessions"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
FORMAT_MODULE_PATH = ["config.formats"]
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "static"
WHITENOISE_USE_FINDERS = True  # no collectstatic step on a fresh machine

SPECTACULAR_SETTINGS = openapi.settings(PUBLIC_URL)

# -- Channels and providers -------------------------------------------------------------------

#: Name -> the channel's class. A new one also needs a provider, a retry schedule and a worker
#: (docs/adding-a-channel.md).
CHANNELS = {
    "push": "notifier.channels.push.Push",
    "sms": "notifier.channels.sms.Sms",
    "email": "notifier.channels.email.Email",
    "webhook": "notifier.channels.webhook.Webhook",
    "inbox": "notifier.channels.inbox.Inbox",
}

PROVIDERS = entries.configured(PUBLIC_URL)
#: Words by which people stop and resume text messages, and answers, beside the built-in words.
SMS_KEYWORDS = keywords.changes()
#: Settings that turn a provider on, each with its platforms, by channel.
PROVIDER_SETTINGS = accounts.turned_on_by()

# -- Delivery ---------------------------------------------------------------------------------

CHUNK_SIZE = env.whole(
    "NOTIFIER_CHUNK_SIZE",
    1000,
    "recipients of one chunk and deliveries of one claim, at most",
    least=1,
)
#: Above these, publishing at a priority is refused with 503.
OVERLOAD_BACKLOG = delivery.overload_backlog()
OVERLOAD_DATABASE = delivery.overload_database()
#: Seconds between attempts, by channel, where the topic has no schedule of its own.
RETRY_SCHEDULES = delivery.retry_schedules()
RESEND_UNKNOWN = delivery.resend_unknown(CHANNELS)
BREAKER = delivery.breaker()
DEAD_ADDRESSES = delivery.dead_addresses()
DEFAULT_TIME_ZONE = delivery.time_zone()
#: The company's schedule as JSON (``notifier.domain.times.quiet_hours``); empty without one.
QUIET_HOURS = delivery.company_quiet_hours(CHANNELS)
QUIET_HOURS_SPREAD = delivery.quiet_hours_spread()
DIGEST_AT = delivery.digest_at()
DIGEST_DAY = delivery.digest_day()
#: Most notifications that a person is sent, by channel.
FREQUENCY_CAPS = delivery.frequency_caps(CHANNELS)
IDEMPOTENCY_HOURS = env.whole(
    "NOTIFIER_IDEMPOTENCY_HOURS", 24, "how long an Idempotency-Key is remembered"
)

CONFIRMATION_HOURS = env.whole(
    "NOTIFIER_CONFIRMATION_HOURS", 72, "hours for which the token of a confirmation is valid"
)
CONFIRMATIONS_PER_DAY = env.whole(
    "NOTIFIER_CONFIRMATIONS_PER_DAY",
    3,
    "confirmations sent to one address in any 24 hours, over all topics; at least 1",
)
CONFIRMATIONS_PER_PUBLISHER = env.whole(
    "NOTIFIER_CONFIRMATIONS_PER_PUBLISHER",
    10_000,
    "confirmations sent for one publisher's topics in any 24 hours; further ones wait",
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
    "the same for notifications of high priority, which are counted separately",
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
    "maximum of a recipient's addresses on a channel",
    least=1,
)
SCHEDULES_PER_PUBLISHER = env.whole(
    "NOTIFIER_SCHEDULES_PER_PUBLISHER", 1000, "maximum of a publisher's schedules", least=1
)
SCHEDULE_RUN_DAYS = env.whole(
    "NOTIFIER_SCHEDULE_RUN_DAYS", 90, "retention of the records of schedules' runs, in days"
)
STATISTICS_DAYS = env.whole(
    "NOTIFIER_STATISTICS_DAYS",
    400,
    "retention of statistics in days: by the hour for 31 days, by the day after",
)
CONTENT_DAYS, RECORD_DAYS = delivery.retention()
AUDIT_DAYS = env.whole(
    "NOTIFIER_AUDIT_DAYS", 400, "retention of changes in the audit trails, in days"
)

INBOX_DAYS = env.whole(
    "NOTIFIER_INBOX_DAYS", 7, "days after which an inbox item without expires_at expires"
)

# -- The live inbox ---------------------------------------------------------------------------

#: Origins of pages that may call ``/v1/inbox`` and ``/v1/me`` (CORS).
CORS_ALLOWED_ORIGINS = env.origins(
    "NOTIFIER_INBOX_ORIGINS",
    "origins of the pages that may read inboxes in a browser, `https://app.example.com,…`; a page "
    "of the same origin needs none",
)
CORS_URLS_REGEX = r"^/v1/(inbox|me)(/|$)"
CORS_ALLOW_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
CORS_ALLOW_HEADERS = ["authorization", "content-type", "last-event-id"]
#: Headers that pages of other origins may read: when to try again, what time it is, and what to
#: tell operators.
CORS_EXPOSE_HEADERS = ["retry-after", "date", "x-request-id"]
CORS_PREFLIGHT_MAX_AGE = 86_400
STREAM_CONNECTIONS = env.whole(
    "NOTIFIER_STREAM_CONNECTIONS",
    20_000,
    "open streams of one process; more are told to come back",
    least=1,
)
STREAM_PER_PERSON = env.whole(
    "NOTIFIER_STREAM_PER_PERSON", 20, "open streams of one person in one process", least=1
)
STREAM_PER_ORIGIN = env.whole(
    "NOTIFIER_STREAM_PER_ORIGIN",
    20_000,
    "open streams from one origin's pages in one process; lower it where several origins share one",
    least=1,
)

# -- People's pages and mails -----------------------------------------------------------------

COMPANY_NAME = people.company_name()
COMPANY_COLOR = people.company_color()
COMPANY_LOGO = people.company_logo(COMPANY_NAME)
PAGE_TEXTS = people.texts()
PAGE_LANGUAGE = people.default_language(PAGE_TEXTS)

# -- Celery -----------------------------------------------------------------------------------

CELERY_BROKER_URL = AMQP_URL
CELERY_WORKER_CONSUMER = "config.worker.consumer:Consumer"
CELERY_TASK_QUEUES = queues.live(QUEUE_PREFIX, CHANNELS, quorum=QUORUM_QUEUES)
CELERY_TASK_DEFAULT_QUEUE = at_broker(QUEUE_PREFIX, HOUSEKEEPING)
CELERY_TASK_DEFAULT_EXCHANGE = queues.exchange(QUEUE_PREFIX).name
# With a misspelt queue name a worker would otherwise create it and wait for ever.
CELERY_TASK_CREATE_MISSING_QUEUES = False
# Celery's own exchanges and queues, for remote control and events.
CELERY_CONTROL_EXCHANGE = QUEUE_PREFIX
CELERY_EVENT_EXCHANGE = CELERY_EVENT_QUEUE_PREFIX = at_broker(QUEUE_PREFIX, "events")
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
# A doorbell is acknowledged on receipt and never written to the broker's disk: losing one is cheap.
CELERY_TASK_ACKS_LATE = False
CELERY_TASK_DEFAULT_DELIVERY_MODE = "transient"
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# After a lost connection Celery would lower the prefetch count and restore it from the thread that
# ends a task while the main thread reads the same connection: each waits for the other's frame.
CELERY_WORKER_ENABLE_PREFETCH_COUNT_REDUCTION = False
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 30.0
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_SEND_TASK_EVENTS = env.flag(
    "NOTIFIER_TASK_EVENTS", True, "send Flower events of every task; costs a few messages each"
)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_CONNECTION_TIMEOUT = 4.0
# Seconds. After two without a heartbeat a worker reconnects; RabbitMQ advises 5 to 20.
CELERY_BROKER_HEARTBEAT = 5
CELERY_BROKER_TRANSPORT_OPTIONS = broker.transport_options(AMQP_URL, QUEUE_PREFIX)
# Retry once on a new connection, where the old one was lost. Beyond that the rows are the outbox,
# and the sweeper rings again.
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0, "interval_max": 0.2}
CELERY_BEAT_SCHEDULER = "config.worker.beat_scheduler.Scheduler"
CELERY_BEAT_MAX_LOOP_INTERVAL = 1
CELERY_BEAT_SCHEDULE = beat.SCHEDULE
CELERY_TIMEZONE = "UTC"

# -- Logs and metrics -------------------------------------------------------------------------

LOGGING = logs.settings()
LOGGING_CONFIG = "config.logs.configure"
METRICS_DIR = monitoring.metrics_directory(BASE_DIR)
TRACES_ENDPOINT, TRACES_RATIO = monitoring.traces()
PROBE_HOST, PROBE_PORT = monitoring.probe_address()
PROCESSES: tuple[process.Process, ...] = table.PROCESSES  # for `manage.py doctor`
METRICS_COLLECTORS = delivery.COLLECTORS
HOLDS_BESIDE_DELIVERIES = delivery.HOLDS
ALERTS = alerts.ways(PROVIDERS["webhook"]["options"]["ca_file"] or "")
os.environ["PROMETHEUS_MULTIPROC_DIR"] = METRICS_DIR
Path(METRICS_DIR).mkdir(parents=True, exist_ok=True)

env.check(accounts.explain_unknown)
