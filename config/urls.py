"""The root URL configuration: the API under ``/v1/``, problem pages, the admin, health."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path, re_path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularSwaggerSplitView

from apps.api import openapi_document, problem_pages, problems
from apps.api.negotiation import PageNegotiation
from apps.delivery.monitoring import health

handler400 = problems.handler400
handler404 = problems.handler404
handler500 = problems.handler500

_docs = SpectacularSwaggerSplitView.as_view(
    url_name="openapi", content_negotiation_class=PageNegotiation
)

# Patterns are tried in this order: the most frequent requests come first.
v1: list[URLPattern | URLResolver] = [
    path("", include("apps.delivery.urls")),
    path("", include("apps.publishers.urls")),
    path("", include("apps.preferences.urls")),
    path("", include("apps.privacy.urls")),
    path("", include("apps.topics.urls")),
    path("", include("apps.content.urls")),
    path("", include("apps.inbox.urls")),
    path("", include("apps.schedules.urls")),
    path("", include("apps.bulk.urls")),
    path("", include("apps.pages.urls")),
    path("openapi.json", openapi_document.openapi, name="openapi"),
    path("docs", problems.allow("GET", "HEAD")(_docs), name="docs"),
    re_path("", problems.unknown_path),
]

urlpatterns = [
    path("v1/", include(v1)),
    path("v1", problems.unknown_path),
    path("problems", problem_pages.index),
    path("problems/<str:name>", problem_pages.page),
    path("", RedirectView.as_view(url="/v1/docs")),
    path("admin/", admin.site.urls),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("metrics", health.exposition),
]
