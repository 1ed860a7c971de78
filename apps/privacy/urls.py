"""Paths under /v1."""

from django.urls import path

from apps.privacy import views

urlpatterns = [
    path("recipients/bulk", views.RecipientBulkView.as_view()),
    path("recipients/<str:user_id>", views.RecipientView.as_view()),
    path("recipients/<str:user_id>/export", views.ExportView.as_view()),
    path("erasures/<any_case_uuid:erasure_id>", views.ErasureView.as_view()),
]
