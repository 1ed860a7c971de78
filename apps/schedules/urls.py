"""Paths under /v1."""

from django.urls import path

from apps.schedules import views

urlpatterns = [
    path("schedules", views.ScheduleList.as_view()),
    path("schedules/<str:name>", views.ScheduleDetail.as_view()),
    path("schedules/<str:name>/pause", views.Pause.as_view()),
    path("schedules/<str:name>/resume", views.Resume.as_view()),
    path("schedules/<str:name>/skip", views.Skip.as_view()),
    path("schedules/<str:name>/run", views.RunNow.as_view()),
    path("schedules/<str:name>/runs", views.RunList.as_view()),
]
