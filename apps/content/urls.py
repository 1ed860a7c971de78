"""Paths under /v1."""

from django.urls import path

from apps.content import views

urlpatterns = [
    path("templates", views.TemplateList.as_view()),
    path("templates/<str:name>", views.TemplateDetail.as_view()),
    path("templates/<str:name>/versions", views.VersionList.as_view()),
    path("templates/<str:name>/preview", views.Preview.as_view()),
]
