"""The apps, middleware, templates and API classes that Django and DRF are assembled from.

Plain values that no environment variable changes; ``config.settings`` imports them by name.
"""

from pathlib import Path

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",  # before the admin, whose templates it replaces
    "apps.publishers.apps.OperatorsConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "corsheaders",
    "django_celery_beat",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "apps.publishers",
    "apps.operators.signin",
    "apps.preferences",
    "apps.topics",
    "apps.content",
    "apps.inbox",
    "apps.delivery",
    "apps.schedules",
    "apps.pages",
    "apps.bulk",
    "apps.alerts",
    "apps.doctor",
    "apps.privacy",
]
MIDDLEWARE = [
    "apps.api.request_ids.with_request_id",
    "django.middleware.security.SecurityMiddleware",
    "apps.api.security_headers.security_headers",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "apps.publishers.audit.CurrentRequest",
]
#: The middleware of requests under ``/v1/`` (``config.wsgi``): the API has no sessions, forms or
#: static files, and its paths are complete.
API_MIDDLEWARE = [
    "apps.api.request_ids.with_request_id",
    "corsheaders.middleware.CorsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "apps.api.security_headers.security_headers",
    "apps.api.paths.CompletePaths",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "apps.publishers.audit.CurrentRequest",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [
            # Templates that replace those of unfold.
            Path(__file__).resolve().parents[2] / "apps" / "publishers" / "overrides"
        ],
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
