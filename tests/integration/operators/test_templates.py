"""Templates in the admin, and previews of them."""

from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from apps.content.models import Template, TemplateVersion
from tests.support.publishers.shop import Shop

CONTENT = {
    "channel": "email",
    "locale": "en",
    "title": "Hello {{ name }}",
    "body": "Dear {{ name }}",
    "html": "<p>Dear <b>{{ name }}</b><script>alert(1)</script>",
}


def made(shop: Shop) -> TemplateVersion:
    german = {**CONTENT, "locale": "de", "title": "Hallo {{ name }}"}
    body = {"name": "hello", "default_locale": "en", "contents": [CONTENT, german]}
    shop.post("templates", body, status=201)
    return TemplateVersion.objects.get()


def page(client: Client, name: str, *arguments: int) -> str:
    answer = client.get(reverse(f"admin:{name}", args=arguments))
    assert answer.status_code == 200
    return answer.content.decode()


def preview(client: Client, version: TemplateVersion, **typed: str) -> str:
    url = reverse("admin:content_preview", args=[version.pk])
    answer = client.post(url, {"channel": "email", "locale": "", "variables": "{}", **typed})
    assert answer.status_code == 200
    return answer.content.decode()


def test_templates_and_their_versions_can_be_read(shop: Shop, onlooker: Client):
    version = made(shop)
    assert "hello" in page(onlooker, "content_template_changelist")
    assert "version 1" in page(onlooker, "content_template_change", version.template_id)
    shown = page(onlooker, "content_templateversion_change", version.pk)
    assert "Hallo {{ name }}" in shown and "&lt;script&gt;" in shown
    assert "<script>alert(1)" not in shown
    assert "hello" in page(onlooker, "content_templateversion_changelist")


def test_nobody_changes_a_version(shop: Shop, operator: Client):
    version = made(shop)
    for name in ("content_template", "content_templateversion"):
        row = version if name.endswith("version") else version.template
        url = reverse(f"admin:{name}_change", args=[row.pk])
        assert operator.post(url, {"number": 7, "name": "x"}).status_code == 403
        assert operator.post(reverse(f"admin:{name}_delete", args=[row.pk])).status_code == 403
    assert operator.get(reverse("admin:content_templateversion_add")).status_code == 403
    assert Template.objects.get().name == "hello"


def test_a_preview_shows_it_filled_in_and_runs_none_of_it(shop: Shop, onlooker: Client):
    version = made(shop)
    shown = preview(onlooker, version, locale="de-AT", variables='{"name": "<Ada>"}')
    assert "Email in de" in shown and "Hallo &lt;Ada&gt;" in shown
    assert '" sandbox srcdoc="' in shown
    assert "<script>alert(1)" not in shown


def test_what_is_wrong_with_a_preview_is_said(shop: Shop, onlooker: Client):
    version = made(shop)
    assert "The variable name is missing." in preview(onlooker, version)
    assert "Write a JSON object" in preview(onlooker, version, variables="[1")
    assert "dictionary" in preview(onlooker, version, variables="[1]")
    assert "not posted" in preview(onlooker, version, variables='{"recipient": 1}')
    assert "Select a valid choice" in preview(onlooker, version, channel="fax")


def test_who_may_not_see_templates_sees_no_preview(shop: Shop, db: None):
    version = made(shop)
    client = Client()
    client.force_login(User.objects.create_user("clerk", is_staff=True))
    url = reverse("admin:content_preview", args=[version.pk])
    assert client.get(url).status_code == 403
