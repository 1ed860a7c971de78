from django.apps import AppConfig


class PublishersConfig(AppConfig):
    name = "apps.publishers"
    label = "publishers"
