"""The app's configuration."""

from django.apps import AppConfig


class TopicsConfig(AppConfig):
    """The configuration of ``apps.topics``."""

    name = "apps.topics"
    label = "topics"

    def ready(self) -> None:
        from apps.preferences import topic_names
        from apps.topics import invalidation, receivers, selectors  # noqa: F401  (listens to signals)

        topic_names.provide(
            topic_names.TopicNames(
                selectors.ids_by_name,
                selectors.names_by_id,
                selectors.names_for_recipient,
                selectors.categories,
                selectors.subscribed_topics_of,
            )
        )
