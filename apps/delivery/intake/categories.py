"""The category of a notification: its own, its topic's, its template's, or the default one."""

from apps.content.compiled_templates import compiled_template
from apps.delivery.intake.bodies import PublishBody
from apps.preferences.categories import catalogue
from apps.preferences.categories.catalogue import CategorySnapshot
from apps.preferences.categories.problems import unknown_category
from apps.preferences.categories.services import ensure_category
from apps.publishers.api.permissions import require
from apps.publishers.scopes import Scope
from apps.publishers.selectors import KeySnapshot
from apps.topics.selectors import TopicSnapshot
from notifier.domain.categories import fold


def resolve(
    key: KeySnapshot,
    data: PublishBody,
    topic: TopicSnapshot | None = None,
    version_id: int | None = None,
) -> CategorySnapshot:
    """Return the category of a notification that is posted with ``key``.

    ``version_id``: the template's version, if it has one. Raises ``Problem`` where the catalogue
    does not have the category named, and where the key may not post a critical one.
    """
    if named := data.get("category"):
        category = catalogue.find(named)
        if category is None:
            raise unknown_category(named)
        what = f"The category {named!r}, which is critical,"
    else:
        name = fold(topic.category) if topic is not None else ""
        source = "topic"
        if not name and version_id is not None:
            name, source = compiled_template(version_id).category, "template"
        if name and catalogue.find(name) is None:  # a process of the version before wrote it
            ensure_category(name)
        category = catalogue.get(name) if name else catalogue.default()
        what = f"The {source}'s category {category.name!r}, which is critical,"
    if category.critical:
        require(key, Scope.NOTIFICATIONS_CRITICAL, what)
    return category
