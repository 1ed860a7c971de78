"""Every page of the admin opens, masks addresses, and reads no table whole."""

import re
from collections.abc import Iterator

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.delivery.models import Attempt, Chunk, DeadLetter, Delivery, Notification, ReceiptEvent
from apps.delivery.monitoring import broker
from apps.inbox.models import InboxItem
from apps.operators.list_filters import BoundedFilter
from apps.preferences.models import Contact, Preference, Recipient, Suppression
from apps.publishers.models import AuditEvent
from apps.topics.models import Subscription, Topic
from tests.support.publishers.people import recipient, subscribe
from tests.support.publishers.shop import Shop

ADDRESS = "ada.lovelace@example.com"
#: Tables of millions, and what of a page's SQL would read one of them whole.
LARGE = [
    Attempt,
    AuditEvent,
    Chunk,
    Contact,
    DeadLetter,
    Delivery,
    InboxItem,
    Notification,
    Preference,
    ReceiptEvent,
    Recipient,
    Subscription,
    Suppression,
]
COUNTS = re.compile(r"COUNT\(\*\)|SELECT DISTINCT|OFFSET \d{6}")


#: Values of filters that do not take a number.
VALUES = {
    "notification_id": "01930000-0000-7000-8000-000000000000",
    "since": "2026-11-28T10:00",
    "until": "2026-11-28T10:00:30",
}


@pytest.fixture
def rows(shop: Shop, work) -> None:
    """Rows in every table that the service writes."""
    ada = recipient("ada", email=ADDRESS)
    topic = shop.topic("news")
    subscribe(topic, ada, "inbox")
    Preference.objects.create(recipient=ada, channel="sms", allowed=False)
    recurs = {"name": "weekly", "cron": "0 9 * * mon", "time_zone": "Europe/Vienna"}
    news = {"content": {"title": "Hello", "body": "World"}}
    shop.post("schedules", {**recurs, "topic": "news", "notification": news}, status=201)
    shop.post("topics/news/publish", {"content": {"title": "Hello", "body": "World"}})
    work()


def pages() -> Iterator[tuple[str, str]]:
    """Every list, with each of its filters in use: (name, query)."""
    for model, registered in admin.site._registry.items():
        url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        yield url, ""
        for narrowing in getattr(registered, "list_filter", ()):
            if isinstance(narrowing, type) and issubclass(narrowing, BoundedFilter):
                value = VALUES.get(narrowing.parameter_name, "1")
                yield url, f"?{narrowing.parameter_name}={value}"


def test_every_list_opens_with_every_filter_and_reads_no_large_table_whole(rows, operator: Client):
    large = {model._meta.db_table for model in LARGE}
    seen = set()
    for url, query in pages():
        with CaptureQueriesContext(connection) as asked:
            answer = operator.get(url + query)
        assert answer.status_code == 200, (url + query, answer.headers.get("Location"))
        assert ADDRESS not in answer.content.decode(), url
        for statement in (found["sql"] for found in asked):
            if any(f'FROM "{table}"' in statement for table in large):
                seen.add(statement)
    assert len(seen) > 40
    whole = re.compile(f"Seq Scan on ({'|'.join(large)})")
    with connection.cursor() as cursor:
        # Where an index can serve it, one is used.
        cursor.execute("SET enable_seqscan = off")
        for statement in sorted(seen):
            assert not COUNTS.search(statement), statement
            assert "LIMIT" in statement or "WHERE" in statement, statement
            cursor.execute(f"EXPLAIN {statement}")
            plan = "\n".join(line for (line,) in cursor.fetchall())
            assert not whole.search(plan), f"{statement}\n{plan}"
        cursor.execute("RESET enable_seqscan")


def test_every_rows_page_opens_with_addresses_masked(rows, operator: Client):
    opened = 0
    for model in admin.site._registry:
        for row in model.objects.all()[:3]:
            name = f"admin:{model._meta.app_label}_{model._meta.model_name}_change"
            answer = operator.get(reverse(name, args=[row.pk]))
            assert answer.status_code == 200, (model, answer)
            assert ADDRESS not in answer.content.decode()
            opened += 1
    assert opened > 10


#: A time of day as text, and how every page writes one.
TIME_OF_DAY = re.compile(r"\b\d{1,2}:\d{2}(?!\d)|\b[ap]\.m\.")
MOMENT = re.compile(r"\b\d{1,2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} UTC\b")


def text(answer) -> str:
    """The text of a page, without markup, fields, scripts and the axes of charts.

    An axis has round times and names its zone; each point's own time is in the table below it.
    """
    page = answer.content.decode()
    page = re.sub(r'(?s)<div class="n-plot-times">.*?</div>', " ", page)
    page = re.sub(r"(?s)<(script|style|textarea|select)\b.*?</\1>", " ", page)
    return re.sub(r"(?s)<[^>]*>", " ", page)


@pytest.fixture
def every_page(rows, operator: Client) -> list:
    """The pages of every list and of one row of each model."""
    Contact.objects.filter(channel="email").update(state="disabled", disabled_reason="dead_address")
    ada = Recipient.objects.get()
    Preference.objects.create(recipient=ada, topic_id=Topic.objects.get().pk, allowed=False)
    posted = Notification.objects.get()
    urls = ["/admin/", f"{reverse('admin:why')}?user_id=ada&notification={posted.pk}"]
    urls += [url for url, query in pages() if not query]
    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}_change"
        urls += [reverse(name, args=[row.pk]) for row in model.objects.all()[:2]]
    answers = [operator.get(url) for url in urls]
    assert {answer.status_code for answer in answers} == {200}
    return answers


def test_no_page_shows_markup_as_text(every_page, operator: Client, monkeypatch):
    def gone(_: object) -> None:
        raise broker.Down

    monkeypatch.setattr(broker, "inspect", gone)
    down = operator.get("/admin/")
    assert "The broker does not answer." in text(down)
    for answer in [*every_page, down]:
        page = answer.content.decode()
        assert not re.search(r"&lt;/?(span|a|b|br|small|table|time)\b", page), answer.request


def test_every_page_writes_times_in_one_way_with_the_zone(every_page):
    seen = 0
    for answer in every_page:
        said, found = MOMENT.subn("", text(answer))
        seen += found
        odd = TIME_OF_DAY.search(said)
        assert odd is None, (answer.request["PATH_INFO"], said[max(0, odd.start() - 60) :][:120])
    assert seen > 40


def test_no_page_names_a_topic_by_its_number(every_page, operator: Client):
    topic = Topic.objects.get()
    Topic.objects.update(name="offers-of-the-week")
    listed = text(operator.get(reverse("admin:preferences_preference_changelist")))
    assert "offers-of-the-week" in listed
    for name in ("delivery_notification", "delivery_deadletter", "topics_subscription"):
        url = reverse(f"admin:{name}_changelist")
        assert "offers-of-the-week" in text(operator.get(f"{url}?topic_id={topic.pk}")), name
    url = reverse("admin:delivery_delivery_changelist")
    ada = Recipient.objects.get()
    filters = operator.get(f"{url}?recipient_id={ada.pk}").context["cl"].filter_specs
    assert ("ada") in [label for one in filters for _, label in one.lookup_choices]


def test_a_preference_is_written_with_its_topics_name(rows, operator: Client):
    ada, topic = Recipient.objects.get(), Topic.objects.get()
    url = reverse("admin:preferences_preference_add")
    requested = {"recipient": ada.pk, "channel": "email", "category": ""}
    refused = operator.post(url, requested | {"topic": "nothing"})
    assert "There is no topic nothing." in text(refused)
    assert operator.post(url, requested | {"topic": "news"}).status_code == 302
    made = Preference.objects.get(topic_id=topic.pk)
    Preference.objects.update(by_link=True)
    page = reverse("admin:preferences_preference_change", args=[made.pk])
    assert 'value="news"' in operator.get(page).content.decode()
    assert "Say why" in text(operator.post(page, requested | {"topic": ""}))
    assert (
        operator.post(page, requested | {"topic": "", "reason": "She called."}).status_code == 302
    )
    made.refresh_from_db()
    assert made.topic_id is None
    assert not made.by_link, "no link takes it back now"


def test_an_empty_list_asks_for_no_reset_where_nothing_is_filtered(operator: Client):
    empty = 0
    for url, _ in pages():
        answer = operator.get(url)
        if not answer.context["cl"].result_count:
            empty += 1
            said = text(answer)
            assert "There are no " in said, url
            assert "eset" not in said, url
    assert empty
    filtered = text(operator.get(reverse("admin:delivery_delivery_changelist") + "?state=dead"))
    assert "No deliveries match." in filtered
    assert "Reset the filters" in filtered
    searched = text(operator.get(reverse("admin:preferences_recipient_changelist") + "?q=ada"))
    assert "Reset the search" in searched


def test_what_cannot_be_taken_back_is_asked_about_first(rows, operator: Client):
    page = operator.get("/admin/").content.decode()
    forms = re.findall(r'(?s)<form method="post" action="[^"]*/pause/"[^>]*>', page)
    assert forms
    assert all("data-warning=" in form for form in forms)


def test_the_start_page_shows_what_waits_and_every_provider(rows, operator: Client):
    page = operator.get("/admin/").content.decode()
    assert "deliveries wait" in page
    for word in ("inbox", "webhook", "Newest dead letters", "Pause"):
        assert word in page


def test_the_start_page_says_who_is_turned_away(operator: Client, settings):
    assert "is refused" not in operator.get("/admin/").content.decode()
    settings.OVERLOAD_BACKLOG = {"low": -1.0, "normal": 7200.0}
    assert (
        "Low priority is refused on inbox: too much waits there"
        in operator.get("/admin/").content.decode()
    )


def test_an_onlooker_sees_pages_and_no_buttons(rows, onlooker: Client):
    assert "Pause" not in onlooker.get("/admin/").content.decode()
    notification = Notification.objects.get()
    url = reverse("admin:delivery_notification_change", args=[notification.pk])
    assert "Cancel what" not in onlooker.get(url).content.decode()
    onlooker.post(url.replace("change/", "do/cancel/"))
    notification.refresh_from_db()
    assert notification.cancelled_at is None
    assert onlooker.post("/admin/delivery/notification/provider/inbox/pause/").status_code == 403
    contact = Contact.objects.get(channel="email")
    url = reverse("admin:preferences_contact_do", args=[contact.pk, "reveal"])
    assert ADDRESS not in onlooker.post(url, follow=True).content.decode()
