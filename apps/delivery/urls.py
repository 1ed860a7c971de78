"""URLs of notifications, dead letters, receipts, replies, webhooks and statistics: ``/v1``."""

from django.urls import path, register_converter

from apps.api.paths import AnyCaseUuid
from apps.delivery.api import (
    answer_views,
    dead_letter_views,
    delivery_views,
    notification_views,
    statistics_views,
    status_webhook_views,
)
from apps.delivery.api.provider_calls import receipt_views, reply_views
from apps.delivery.api.publishing import dry_run_views, replay_views
from apps.delivery.api.publishing import views as publish_views

register_converter(AnyCaseUuid, "any_case_uuid")

urlpatterns = [
    path("notifications", publish_views.NotificationsView.as_view()),
    path("notifications/batch", publish_views.BatchView.as_view()),
    path("notifications/dry-run", dry_run_views.NotifyDryRun.as_view()),
    path(
        "notifications/<any_case_uuid:notification_id>",
        notification_views.NotificationView.as_view(),
    ),
    path(
        "notifications/<any_case_uuid:notification_id>/cancel",
        notification_views.CancelView.as_view(),
    ),
    path(
        "notifications/<any_case_uuid:notification_id>/replay",
        replay_views.ReplayView.as_view(),
    ),
    path(
        "notifications/<any_case_uuid:notification_id>/acknowledge",
        answer_views.AcknowledgeView.as_view(),
    ),
    path(
        "notifications/<any_case_uuid:notification_id>/deliveries",
        notification_views.DeliveriesView.as_view(),
    ),
    path("recipients/<str:user_id>/deliveries", delivery_views.PersonDeliveries.as_view()),
    path("deliveries/<str:delivery_id>/why", delivery_views.Why.as_view()),
    path("dead-letters", dead_letter_views.DeadLetters.as_view()),
    path("dead-letters/redrive", dead_letter_views.Redrive.as_view()),
    path("dead-letters/<str:delivery_id>", dead_letter_views.DeadLetter.as_view()),
    path("receipts/<str:provider>", receipt_views.Receipts.as_view()),
    path("replies/<str:provider>", reply_views.Replies.as_view()),
    path("status-webhooks", status_webhook_views.StatusWebhookList.as_view()),
    path("status-webhooks/<int:webhook_id>", status_webhook_views.StatusWebhookDetail.as_view()),
    path("status-webhooks/<int:webhook_id>/test", status_webhook_views.StatusWebhookTest.as_view()),
    path(
        "status-webhooks/<int:webhook_id>/deliveries",
        status_webhook_views.StatusWebhookDeliveries.as_view(),
    ),
    path("usage", statistics_views.Usage.as_view()),
    path("topics/<str:name>/statistics", statistics_views.TopicStatistics.as_view()),
    path("topics/<str:name>/publish", publish_views.PublishView.as_view()),
    path("topics/<str:name>/publish/dry-run", dry_run_views.PublishDryRun.as_view()),
    path("groups/<str:name>/notify", publish_views.GroupNotifyView.as_view()),
    path("groups/<str:name>/notify/dry-run", dry_run_views.GroupNotifyDryRun.as_view()),
]
