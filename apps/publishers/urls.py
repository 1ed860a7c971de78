"""Paths under /v1."""

from django.urls import path

from apps.publishers import audit_views, views

urlpatterns = [
    path("audit", audit_views.AuditTrail.as_view()),
    path("api-keys", views.KeyList.as_view()),
    path("api-keys/<str:prefix>", views.KeyDetail.as_view()),
    path("api-keys/<str:prefix>/rotate", views.KeyRotation.as_view()),
]
