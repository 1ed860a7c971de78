"""Paths under /v1."""

from django.urls import path

from apps.bulk import views

urlpatterns = [
    path("bulk-actions", views.BulkActions.as_view()),
    path("bulk-actions/<any_case_uuid:action_id>", views.BulkActionDetail.as_view()),
    path("bulk-actions/<any_case_uuid:action_id>/abort", views.BulkActionAbort.as_view()),
]
