"""A bare Django view that inserts one row, without middleware: the least that a POST costs.

``bench.benchmarks.accept`` serves it as the Procfile serves the API, with the same database.
"""

import os

from django.conf import settings
from psycopg2.extensions import parse_dsn

_WORDS = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port"}
_url = parse_dsn(os.environ["DATABASE_URL"])

settings.configure(
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    USE_TZ=True,
    TRACES_ENDPOINT="",  # which Gunicorn's settings ask for
    DATABASES={
        "default": {
            **{name: _url.get(word, "") for name, word in _WORDS.items()},
            # The service's own settings, so that both handle connections in the same way.
            "ENGINE": "dj_db_conn_pool.backends.postgresql",
            "POOL_OPTIONS": {"POOL_SIZE": 5, "MAX_OVERFLOW": 0, "PRE_PING": True},
        }
    },
)

import django  # noqa: E402

django.setup()

from django.core.handlers.wsgi import WSGIHandler  # noqa: E402
from django.db import models  # noqa: E402
from django.http import HttpRequest, JsonResponse  # noqa: E402
from django.urls import path  # noqa: E402


class Row(models.Model):
    """One request's body."""

    said = models.BinaryField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "bench"
        db_table = "bench_bare"

    def __str__(self) -> str:
        return str(self.pk)


def insert(request: HttpRequest) -> JsonResponse:
    """Store the body, and answer with its row's id."""
    return JsonResponse({"id": Row._default_manager.create(said=request.body).pk}, status=202)


urlpatterns = [path("rows", insert)]
application = WSGIHandler()
