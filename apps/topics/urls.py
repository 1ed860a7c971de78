"""Paths under /v1."""

from django.urls import path

from apps.topics import views

urlpatterns = [
    path("topics", views.TopicList.as_view()),
    path("topics/<str:name>", views.TopicDetail.as_view()),
    path("topics/<str:name>/grants/<str:publisher>", views.TopicGrant.as_view()),
    path("topics/<str:name>/subscriptions", views.SubscriptionList.as_view()),
    path(
        "topics/<str:name>/subscriptions/<int:subscription_id>",
        views.SubscriptionDetail.as_view(),
    ),
    path("topics/<str:name>/unsubscribe", views.Unsubscribe.as_view()),
]
