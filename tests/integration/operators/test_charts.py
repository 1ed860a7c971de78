"""The pages of charts: their numbers, ranges, changes, and who sees what."""

import re

import pytest
from django.contrib.auth.models import Group, User
from django.core.management.sql import emit_post_migrate_signal
from django.test import Client
from django.urls import reverse

from apps.core import clock
from apps.delivery.admin.charts.ranges import RANGES
from apps.delivery.models import MinuteCount
from apps.operators import roles
from tests.support.publishers.people import recipient
from tests.support.publishers.shop import Shop

HELLO = {"title": "Hello", "body": "There"}
NAME = "Doris-Distinct"


def table(page: str, caption: str) -> list[list[str]]:
    """The cells of the table with this caption, its headers first."""
    [found] = re.findall(rf"(?s)<caption>{re.escape(caption)}</caption>(.*?)</table>", page)
    rows = re.findall(r"(?s)<tr>(.*?)</tr>", found)
    return [re.findall(r"(?s)<t[hd][^>]*>(.*?)</t[hd]>", row) for row in rows]


def totals(page: str, caption: str) -> dict[str, int]:
    """The sum of each column of a chart's table."""
    headers, *rows = table(page, caption)
    return {
        name: sum(int(row[place].replace(",", "")) for row in rows)
        for place, name in enumerate(headers)
        if place and name != "what changed"
    }


@pytest.fixture
def sent(shop: Shop, providers, work) -> None:
    """Five texts, of which one is refused; a mail; two to inboxes. The first text is urgent."""
    for number in range(5):
        person = recipient(f"{NAME}-{number}", sms=f"+4366412340{number:03}")
        body = {"user_id": person.user_id, "channels": ["sms"], "content": HELLO}
        body["priority"] = "normal" if number else "high"
        if number == 4:
            providers.client.behave("twilio", "dead", address="+4366412340004")
        shop.post("notifications", body)
    ada = recipient(NAME, email="ada@example.com")
    both = {"user_id": ada.user_id, "channels": ["email", "inbox"], "content": HELLO}
    shop.post("notifications", both)
    shop.post("notifications", {**both, "channels": ["inbox"]})
    work()


def opened(client: Client, name: str = "", **query: str) -> str:
    url = reverse("admin:provider_charts", args=[name]) if name else reverse("admin:charts")
    answer = client.get(url, query)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.parametrize("name", [one.name for one in RANGES])
def test_the_numbers_of_each_range_are_what_was_sent(sent, operator: Client, name: str):
    page = opened(operator, range=name)
    taken = totals(page, "Messages that providers took, by channel")
    assert taken == {"email": 1, "inbox": 2, "sms": 4}
    assert totals(page, "Messages that arrived, by channel") == {"inbox": 2}
    assert totals(page, "Calls that failed, by channel") == {"sms": 1}
    [chosen] = re.findall(r'href="\?range=([\w-]+)" aria-current="page"', page)
    assert chosen == name
    row = re.search(r"(?s)<tr><td><a [^>]*>twilio</a>.*?</tr>", page)
    assert row and re.findall(r'n-time">([^<]*)<', row[0])[:3] == ["5", "0", "80 %"]
    [headers, *rows] = table(page, "Time from acceptance to the provider at high priority")
    assert headers[:4] == ["time", "p50", "p95", "p99"]
    [waited] = [row for row in rows if row[1] != "–"]
    assert all(re.fullmatch(r"[\d.,]+ (ms|s)", cell) for cell in waited[1:4])


def test_a_providers_page_has_its_numbers_alone(sent, operator: Client):
    page = opened(operator, "twilio", range="day")
    assert totals(page, "Messages of twilio") == {"accepted": 4, "failed": 1}
    assert "sendgrid" not in page.partition('id="content"')[2]
    [_, *rows] = table(page, "Share of calls of twilio that succeeded")
    assert [row[1] for row in rows if row[1] != "–"] == ["80 %"]
    assert '<div class="n-figure"><b>5</b>calls</div>' in page
    assert operator.get(reverse("admin:provider_charts", args=["nobody"])).status_code == 404


def test_a_range_that_there_is_not_is_the_shortest(operator: Client):
    page = opened(operator, range="century")
    assert re.findall(r'href="\?range=([\w-]+)" aria-current="page"', page) == ["hour"]


def test_a_range_without_data_says_so(operator: Client):
    for one in RANGES:
        page = opened(operator, range=one.name)
        assert "<figure" not in page
        assert page.count("Nothing in this time.") == 6
        assert "No call failed." in page and "Nothing waits." in page
        assert "Nothing in this time." in opened(operator, "inbox", range=one.name)


def test_what_changed_is_listed_and_marked(sent, operator: Client):
    operator.post("/admin/delivery/notification/provider/twilio/pause/")
    operator.post("/admin/delivery/notification/provider/twilio/resume/")
    page = opened(operator)
    assert "pause provider twilio" in page and "operator operator" in page
    [headers, *rows] = table(page, "Messages that providers took, by channel")
    assert headers[-1] == "what changed"
    assert any("resume provider twilio (operator operator)" in row[-1] for row in rows)
    assert 'class="n-plot-mark"' in page
    assert "pause provider twilio" in opened(operator, "twilio")
    assert "pause provider twilio" not in opened(operator, "sendgrid")


def test_what_is_slow_now_is_named(sent, shop: Shop, operator: Client):
    person = recipient("waits")
    shop.post("notifications", {"user_id": person.user_id, "channels": ["inbox"], "content": HELLO})
    page = opened(operator)
    slow = page.partition("<h2>Slowest providers")[2].partition("</section>")[0]
    assert {"twilio", "sendgrid", "inbox"} <= set(re.findall(r">(\w+)</a>", slow))
    queues = page.partition("<h2>Oldest of each queue")[2].partition("</section>")[0]
    assert "<td>inbox</td><td>normal</td>" in queues


def test_times_are_on_the_installations_clocks(sent, operator: Client, settings):
    settings.DEFAULT_TIME_ZONE = "Asia/Kathmandu"
    page = opened(operator)
    assert "on the clocks of Asia/Kathmandu" in page
    [_, first, *_] = table(page, "Messages that providers took, by channel")
    assert first[0].endswith("+0545")


@pytest.fixture
def members(transactional_db) -> dict[str, Client]:
    """Somebody of each role, which ``migrate`` writes."""
    emit_post_migrate_signal(verbosity=0, interactive=False, db="default")
    found = {}
    for role in roles.ROLES:
        user = User.objects.create_user(f"a-{role}", is_staff=True)
        user.groups.add(Group.objects.get(name=role))
        found[role] = Client()
        found[role].force_login(user)
    return found


def test_every_role_sees_the_numbers_and_no_person(
    sent, operator: Client, members: dict[str, Client]
):
    operator.post("/admin/delivery/notification/provider/twilio/pause/")
    for role, client in members.items():
        for page in (opened(client), opened(client, "twilio")):
            assert "<figure" in page
            assert NAME not in page and "example.com" not in page and "+43664" not in page
            trail = "publishers.view_auditevent" in roles.permissions_of(role)
            assert ("pause provider twilio" in page) == trail, role
            assert ("your role does not see the audit trail" in page) != trail, role


def test_who_may_not_see_deliveries_sees_no_chart(transactional_db):
    client = Client()
    client.force_login(User.objects.create_user("outsider", is_staff=True))
    assert client.get(reverse("admin:charts")).status_code == 403
    assert client.get(reverse("admin:provider_charts", args=["inbox"])).status_code == 403
    assert "Charts" not in client.get(reverse("admin:index")).content.decode()
    client.logout()
    assert client.get(reverse("admin:charts")).status_code == 302


def test_a_provider_that_the_settings_have_no_more_is_shown_without_a_page(sent, operator: Client):
    MinuteCount.objects.filter(provider="sendgrid").update(provider="<gone>")
    page = opened(operator)
    assert "&lt;gone&gt;" in page and "<gone>" not in page
    assert "charts/%3Cgone" not in page and "charts/<gone" not in page


def test_attempts_that_name_no_provider_have_no_line(sent, operator: Client):
    lost = {"provider": "", "outcome": "unknown", "reason": "worker_lost", "slot": 0}
    MinuteCount.objects.create(minute=clock.moment(), channel="sms", count=1, **lost)
    headers, *_ = table(opened(operator), "Share of calls that succeeded, by provider")
    assert "twilio" in headers and "" not in headers
