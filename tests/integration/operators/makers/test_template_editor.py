"""Templates that operators write in the admin, and send to themselves."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from apps.content.models import Template, TemplateVersion
from apps.delivery.models import Notification
from apps.preferences.categories import catalogue
from apps.preferences.models import Category
from apps.publishers.models import AuditEvent, Publisher
from tests.support.publishers.admin_actions import do
from tests.support.publishers.people import recipient
from tests.support.publishers.shop import Shop, delivery_of

ADD = "admin:content_template_add"
LIST = "admin:content_template_changelist"


def text(number: int = 0, **changed: str) -> dict[str, str]:
    fields = {"channel": "inbox", "locale": "en", "title": "Hello {{ name }}", "body": ""}
    fields |= {"html": "", "data": "", "actions": "", **changed}
    return {f"text-{number}-{name}": value for name, value in fields.items()}


def typed(shop: Shop, *texts: dict[str, str], **changed: str) -> dict[str, str]:
    texts = texts or (text(),)
    fields = {"publisher": str(shop.id), "name": "hello", "display_name": "", "category": ""}
    fields |= {"default_locale": "en", "variables": "", "text-INITIAL_FORMS": "0"}
    fields["base"] = "1"
    fields["text-TOTAL_FORMS"] = str(len(texts))
    return fields | {name: value for one in texts for name, value in one.items()} | changed


def shown(client: Client, url: str, body: dict[str, str]) -> str:
    answer = client.post(url, body)
    assert answer.status_code == 200
    return answer.content.decode()


def saved(client: Client, url: str, body: dict[str, str]) -> TemplateVersion:
    answer = client.post(url, body | {"save": "1"})
    assert answer.status_code == 302, answer.content.decode()
    return TemplateVersion.objects.latest("id")


def edit(version: TemplateVersion) -> str:
    return reverse("admin:content_edit", args=[version.template_id])


def test_a_template_that_an_operator_writes_is_used_as_one_that_is_posted(
    shop: Shop, operator: Client
):
    german = text(
        1, locale="de", title="Hallo {{ name }}", actions="Los: https://x.example/{{ n }}"
    )
    saved(operator, reverse(ADD), typed(shop, text(data='{"order": "{{ n }}"}'), german))
    found = shop.get("templates/hello")
    assert [(one["channel"], one["locale"]) for one in found["contents"]] == [
        ("inbox", "en"),
        ("inbox", "de"),
    ]
    assert found["contents"][0]["data"] == {"order": "{{ n }}"}
    assert found["contents"][1]["actions"] == {"Los": "https://x.example/{{ n }}"}
    wanted = {"channel": "inbox", "locale": "de", "variables": {"name": "Ada", "n": 7}}
    assert shop.post("templates/hello/preview", wanted, status=200)["title"] == "Hallo Ada"


def test_the_next_version_begins_with_the_newest(shop: Shop, operator: Client):
    first = saved(operator, reverse(ADD), typed(shop))
    page = operator.get(edit(first))
    assert "Hello {{ name }}" in page.content.decode()
    body = typed(shop, text(title="Good day {{ name }}"), **{"text-INITIAL_FORMS": "1"})
    second = saved(operator, edit(first), body)
    assert (second.template, second.number) == (first.template, 2)
    assert shop.get("templates/hello")["contents"][0]["title"] == "Good day {{ name }}"
    assert shop.get("templates/hello", version=1)["contents"][0]["title"] == "Hello {{ name }}"


def test_a_version_that_was_made_meanwhile_is_not_written_over(shop: Shop, operator: Client):
    first = saved(operator, reverse(ADD), typed(shop))
    mine = typed(shop, text(title="Mine"), **{"text-INITIAL_FORMS": "1"})
    theirs = typed(shop, text(title="Theirs"), **{"text-INITIAL_FORMS": "1"})
    assert 'name="base" value="1"' in operator.get(edit(first)).content.decode()
    saved(operator, edit(first), theirs)
    page = shown(operator, edit(first), mine | {"save": "1"})
    assert "Version 2 was made meanwhile" in page and "Mine" in page
    assert shop.get("templates/hello")["contents"][0]["title"] == "Theirs"
    assert 'name="base" value="1"' in page
    assert TemplateVersion.objects.count() == 2


def test_what_an_action_is_called_may_have_a_colon(shop: Shop, operator: Client):
    url = "https://x.example/a"
    first = saved(operator, reverse(ADD), typed(shop, text(actions=f"Step 2: confirm: {url}")))
    assert shop.get("templates/hello")["contents"][0]["actions"] == {"Step 2: confirm": url}
    again = f"Step 2: confirm: {url}"
    assert again in operator.get(edit(first)).content.decode()


def test_a_text_that_is_ticked_is_left_out(shop: Shop, operator: Client):
    texts = (text(), text(1, locale="de", title="Hallo"))
    first = saved(operator, reverse(ADD), typed(shop, *texts))
    body = typed(shop, *texts, **{"text-INITIAL_FORMS": "2", "text-1-DELETE": "on"})
    saved(operator, edit(first), body)
    assert len(shop.get("templates/hello")["contents"]) == 1


def test_a_preview_shows_every_text_and_stores_none(shop: Shop, operator: Client):
    body = typed(
        shop, text(title="Hello {{ name }}"), text(1, locale="de", title="Hallo {{ name }}")
    )
    page = shown(operator, reverse(ADD), body | {"look": "1"})
    assert "Hello name" in page and "Hallo name" in page
    chosen = body | {"variables": json.dumps({"name": "Ada"}), "look": "1"}
    page = shown(operator, reverse(ADD), chosen)
    assert "Hello Ada" in page and "Hallo Ada" in page
    page = shown(operator, reverse(ADD), body | {"variables": '{"other": 1}', "look": "1"})
    assert "name" in page and "Hallo Ada" not in page
    assert not Template.objects.exists()


def test_one_more_text_keeps_what_was_typed(shop: Shop, operator: Client):
    page = shown(operator, reverse(ADD), typed(shop, text(title="Half a")) | {"more": "1"})
    assert "Half a" in page and "text-1-title" in page
    assert not Template.objects.exists()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"text-0-title": "Hello {{ name"}, "Line 1"),
        ({"text-0-html": "<p>Hi"}, "Only an email shows HTML."),
        ({"text-0-data": "[1"}, "Write a JSON object"),
        ({"text-0-actions": "Go there"}, "Write “Label: https://…”"),
        ({"text-0-actions": "Go: javascript:alert(1)"}, "javascript"),
        ({"text-0-actions": "Go: https://a.example\nGo: https://b.example"}, "Go is there twice"),
        ({"text-0-locale": "no locale"}, "locale"),
        ({"default_locale": "de"}, "There is no content on inbox in de"),
        ({"variables": "[]"}, "Write a JSON object"),
        ({"name": ""}, "This field is required"),
        ({"name": "a/b"}, "/"),
        ({"category": "none-such"}, "none-such is not one of the available choices"),
    ],
)
def test_what_a_publisher_could_not_post_is_not_saved(
    shop: Shop, operator: Client, changed: dict[str, str], said: str
):
    page = shown(operator, reverse(ADD), typed(shop, **changed) | {"save": "1"})
    assert 'class="n-error"' in page
    assert said in page
    assert not Template.objects.exists()


def test_help_and_errors_are_tied_to_their_fields(shop: Shop, operator: Client):
    page = shown(operator, reverse(ADD), typed(shop, **{"text-0-data": "[1"}))
    for described in ("id_text-0-data_helptext", "id_text-0-data_error"):
        assert page.count(f'id="{described}"') == 1
    [field] = [one for one in page.split("<textarea")[1:] if 'id="id_text-0-data"' in one]
    assert 'aria-describedby="id_text-0-data_helptext' in field
    saved(operator, reverse(ADD), typed(shop))
    first = TemplateVersion.objects.get()
    page = shown(
        operator, edit(first), typed(shop, base="7", **{"text-INITIAL_FORMS": "1"}) | {"save": "1"}
    )
    assert '<p class="n-error" role="alert">Version 1 was made' in page


def test_a_name_that_is_taken_is_refused(shop: Shop, operator: Client):
    saved(operator, reverse(ADD), typed(shop))
    page = shown(operator, reverse(ADD), typed(shop) | {"save": "1"})
    assert "The publisher has a template of this name" in page
    assert TemplateVersion.objects.count() == 1


def test_a_deleted_template_frees_its_name(shop: Shop, operator: Client):
    first = saved(operator, reverse(ADD), typed(shop))
    url = reverse("admin:content_template_do", args=[first.template_id, "delete"])
    assert operator.post(url).status_code == 302
    shop.get("templates/hello", status=404)
    assert operator.get(edit(first)).status_code == 404
    saved(operator, reverse(ADD), typed(shop))


def test_who_wrote_a_template_is_in_the_audit_trail(shop: Shop, operator: Client):
    first = saved(operator, reverse(ADD), typed(shop))
    saved(operator, edit(first), typed(shop, **{"text-INITIAL_FORMS": "1"}))
    events = AuditEvent.objects.filter(object_type="template").order_by("id")
    assert [(one.actor, one.action, one.object_name) for one in events] == [
        ("operator", "create", "hello"),
        ("operator", "add_version", "hello"),
    ]
    assert {one.publisher_id for one in events} == {shop.id}
    assert events[1].after is not None and events[1].after["version"] == 2


def test_only_who_may_write_templates_does(shop: Shop, operator: Client, onlooker: Client):
    first = saved(operator, reverse(ADD), typed(shop))
    for url in (reverse(ADD), edit(first)):
        assert onlooker.get(url).status_code == 403
        assert onlooker.post(url, typed(shop) | {"save": "1"}).status_code == 403
    send = reverse("admin:test_send", args=[first.pk])
    assert onlooker.post(send, {}).status_code == 403
    assert "Write the next" not in onlooker.get(change(first)).content.decode()
    assert "Write the next" in operator.get(change(first)).content.decode()


def change(version: TemplateVersion) -> str:
    return reverse("admin:content_template_change", args=[version.template_id])


def test_the_form_of_a_preview_has_variables_that_fit(shop: Shop, operator: Client):
    first = saved(operator, reverse(ADD), typed(shop, text(title="{{ order.id }}")))
    page = operator.get(reverse("admin:content_preview", args=[first.pk])).content.decode()
    assert "&quot;order&quot;: {" in page


def send(client: Client, version: TemplateVersion, **changed: str) -> Any:
    fields = {"channel": "inbox", "locale": "", "variables": '{"name": "Ada"}', **changed}
    return client.post(reverse("admin:test_send", args=[version.pk]), fields, follow=True)


def test_an_operator_sends_a_template_to_whom_their_address_belongs(
    shop: Shop, operator: Client, work
):
    first = saved(operator, reverse(ADD), typed(shop))
    User.objects.update(email="Ada@example.com")
    recipient("bob", email="bob@example.com")
    recipient("ada", email="ada@example.com")
    page = send(operator, first).content.decode()
    assert "It is on its way to ada" in page
    row = Notification.objects.get()
    work()
    delivery = delivery_of(shop, {"id": row.pk})
    assert (delivery["user_id"], delivery["state"]) == ("ada", "delivered")
    event = AuditEvent.objects.latest("id")
    assert (event.action, event.object_name, event.publisher_id) == ("test_send", "hello", shop.id)


def test_nothing_is_sent_where_nobody_has_the_operators_address(shop: Shop, operator: Client):
    first = saved(operator, reverse(ADD), typed(shop))
    recipient("bob", email="bob@example.com")
    for address in ("", "ada@example.com"):
        User.objects.update(email=address)
        assert "No recipient has the email address" in send(operator, first).content.decode()
    assert not Notification.objects.exists()


def test_nothing_is_sent_where_two_people_have_the_operators_address(shop: Shop, operator: Client):
    first = saved(operator, reverse(ADD), typed(shop))
    User.objects.update(email="ada@example.com")
    recipient("mallory", email="ada@example.com")
    recipient("ada", email="Ada@example.com")
    assert "More than one recipient has the email address" in send(operator, first).content.decode()
    assert not Notification.objects.exists()


def test_a_test_of_a_critical_template_is_sent_in_the_default_category(
    shop: Shop, operator: Client
):
    Category.objects.create(name="codes", kind="critical")
    first = saved(operator, reverse(ADD), typed(shop, category="codes"))
    User.objects.update(email="ada@example.com")
    recipient("ada", email="ada@example.com")
    assert "It is on its way to ada" in send(operator, first).content.decode()
    assert Notification.objects.get().category == catalogue.default().name


def test_a_disabled_publishers_template_is_not_sent(shop: Shop, operator: Client):
    first = saved(operator, reverse(ADD), typed(shop))
    User.objects.update(email="ada@example.com")
    recipient("ada", email="ada@example.com")
    Publisher.objects.filter(pk=shop.id).update(is_active=False)
    assert "The publisher is disabled" in send(operator, first).content.decode()
    assert not Notification.objects.exists()


def test_a_deleted_template_is_not_sent_nor_is_one_that_has_its_name_since(
    shop: Shop, operator: Client
):
    first = saved(operator, reverse(ADD), typed(shop))
    preview = reverse("admin:content_preview", args=[first.pk])
    assert "Send it to myself" in operator.get(preview).content.decode()
    do(operator, "delete", first.template)
    saved(operator, reverse(ADD), typed(shop, text(title="Another")))
    User.objects.update(email="ada@example.com")
    recipient("ada", email="ada@example.com")
    assert send(operator, first).status_code == 404
    assert "Send it to myself" not in operator.get(preview).content.decode()
    assert not Notification.objects.exists()


def test_a_template_that_cannot_be_filled_in_is_not_sent(shop: Shop, operator: Client):
    first = saved(operator, reverse(ADD), typed(shop))
    User.objects.update(email="ada@example.com")
    recipient("ada", email="ada@example.com")
    assert "name" in send(operator, first, variables="{}").content.decode()
    assert "Write a JSON object" in send(operator, first, variables="[1").content.decode()
    assert not Notification.objects.exists()
