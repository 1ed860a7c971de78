"""Paths under /v1. Those of one recipient and of many are in ``apps.privacy``, which erases."""

from django.urls import path

from apps.preferences.api import contact_views, group_views, recipient_views, suppression_views
from apps.preferences.api.choices import category_views, preference_views, quiet_hours_views

urlpatterns = [
    path("recipients", recipient_views.RecipientList.as_view()),
    path("recipients/<str:user_id>/devices", contact_views.DeviceList.as_view()),
    path("recipients/<str:user_id>/devices/remove", contact_views.DeviceRemoval.as_view()),
    path("recipients/<str:user_id>/devices/<int:contact_id>", contact_views.DeviceDetail.as_view()),
    path("recipients/<str:user_id>/contacts", contact_views.ContactList.as_view()),
    path("recipients/<str:user_id>/contacts/find", contact_views.ContactSearch.as_view()),
    path("recipients/<str:user_id>/contacts/remove", contact_views.ContactRemoval.as_view()),
    path(
        "recipients/<str:user_id>/contacts/<int:contact_id>", contact_views.ContactDetail.as_view()
    ),
    path("recipients/<str:user_id>/preferences", preference_views.PreferenceList.as_view()),
    path("recipients/<str:user_id>/quiet-hours", quiet_hours_views.RecipientQuietHours.as_view()),
    path("categories", category_views.CategoryList.as_view()),
    path("categories/<path:name>", category_views.CategoryDetail.as_view()),
    path("groups", group_views.GroupList.as_view()),
    path("groups/<str:name>", group_views.GroupDetail.as_view()),
    path("groups/<str:name>/members", group_views.MemberList.as_view()),
    path("groups/<str:name>/members/remove", group_views.MemberRemoval.as_view()),
    path("suppressions", suppression_views.SuppressionList.as_view()),
    path("suppressions/<int:suppression_id>", suppression_views.SuppressionDetail.as_view()),
]
