"""Paths under /v1."""

from django.urls import path

from apps.pages import preference_views, unsubscribe_views

urlpatterns = [
    path("unsubscribe/<str:token>", unsubscribe_views.UnsubscribePage.as_view()),
    path("preferences/<str:token>", preference_views.PreferencePage.as_view()),
]
