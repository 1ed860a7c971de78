"""Paths under /v1."""

from django.urls import path

from apps.topics.api import confirmation_views, subscription_views, topic_views

urlpatterns = [
    path("topics", topic_views.TopicList.as_view()),
    path("topics/<str:name>", topic_views.TopicDetail.as_view()),
    path("topics/<str:name>/grants/<str:publisher>", topic_views.TopicGrant.as_view()),
    path("topics/<str:name>/subscriptions", subscription_views.SubscriptionList.as_view()),
    path(
        "topics/<str:name>/subscriptions/<int:subscription_id>",
        subscription_views.SubscriptionDetail.as_view(),
    ),
    path(
        "topics/<str:name>/subscriptions/<int:subscription_id>/confirmation",
        confirmation_views.SubscriptionConfirmation.as_view(),
    ),
    path("confirmations", confirmation_views.ConfirmationList.as_view()),
    path("confirmations/<str:token>", confirmation_views.ConfirmationPage.as_view()),
    path("topics/<str:name>/unsubscribe", subscription_views.Unsubscribe.as_view()),
]
