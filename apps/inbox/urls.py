"""Paths under /v1."""

from django.urls import path

from apps.inbox import views
from apps.inbox.me import preference_views, quiet_hours_views
from apps.inbox.me import views as me_views

urlpatterns = [
    path("inbox", views.InboxView.as_view()),
    path("inbox/status", views.InboxStatus.as_view()),
    path("inbox/stream", views.InboxStream.as_view()),
    path("inbox/stream/ticket", views.StreamTicket.as_view()),
    path("inbox/unread", views.InboxUnread.as_view()),
    path("inbox/<int:item_id>", views.InboxItemView.as_view()),
    path("me", me_views.Me.as_view()),
    path("me/categories", me_views.MyCategories.as_view()),
    path("me/leave", preference_views.Leave.as_view()),
    path("me/preferences", preference_views.MyPreferences.as_view()),
    path("me/quiet-hours", quiet_hours_views.MyQuietHours.as_view()),
    path("me/topics", me_views.MyTopics.as_view()),
]
