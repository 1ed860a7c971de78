"""Paths under /v1."""

from django.urls import path

from apps.publishers.api import audit_views, key_views

urlpatterns = [
    path("audit", audit_views.AuditTrail.as_view()),
    path("api-keys", key_views.KeyList.as_view()),
    path("api-keys/<str:prefix>", key_views.KeyDetail.as_view()),
    path("api-keys/<str:prefix>/rotate", key_views.KeyRotation.as_view()),
]
