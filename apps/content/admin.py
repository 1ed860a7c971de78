"""Admin pages of templates: their versions, an editor, and previews."""

import json
from collections.abc import Sequence
from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.cache import add_never_cache_headers
from django.utils.html import format_html
from django.utils.safestring import SafeString
from rest_framework.serializers import ValidationError

from apps.api.problems import Problem
from apps.content import services
from apps.content.compiled_templates import compiled_template
from apps.content.editor import Draft, sample_of
from apps.content.models import Template, TemplateVersion, Translation
from apps.content.preview import PreviewError, preview
from apps.content.serializers import VariablesField, written
from apps.operators import markup
from apps.operators.large_lists import ReadOnly
from apps.operators.list_filters import linked
from apps.operators.panels import Button, Panel, Panelled
from notifier.transport import strict_json

#: Newest versions that a template's page lists.
NEWEST = 20


@admin.register(Template)
class TemplateAdmin(Panelled, ReadOnly):
    """Templates with their newest versions."""

    list_display = ("name", "publisher", "status", "created_at")
    list_filter = (linked("publisher_id"),)
    list_select_related = ("publisher",)
    fields = ("name", "display_name", "publisher", "created_at", "deleted_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("content.add_template")

    def buttons(self, request: HttpRequest, row: Template) -> Sequence[Button]:
        if row.deleted_at or not request.user.has_perm("content.change_template"):
            return ()
        warning = (
            f"Notifications that name {row.name} are refused from now on. Those that were accepted "
            "are still delivered."
        )
        return [
            Button("edit", "Write the next version", "main"),
            Button("delete", "Delete this template", "bad", warning),
        ]

    def do_edit(self, request: HttpRequest, row: Template) -> HttpResponse:
        return HttpResponseRedirect(markup.page("content_edit", row.pk))

    def do_delete(self, request: HttpRequest, row: Template) -> None:
        self.audit(request, "delete", row)
        services.delete_template(row)
        messages.success(request, f"{row.name} is deleted, and its name is free.")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.edit)
        return [path("<int:pk>/edit/", view, name="content_edit"), *super().get_urls()]

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        return self._editor(request, None)

    def edit(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Write the template's next version, beginning with the newest."""
        if not request.user.has_perm("content.change_template"):
            raise PermissionDenied
        row = Template.objects.filter(pk=pk, deleted_at=None).first()
        if row is None:
            raise Http404
        return self._editor(request, row.versions.select_related("template").latest("number"))

    def _editor(self, request: HttpRequest, version: TemplateVersion | None) -> HttpResponse:
        """Show the editor; render what was typed, or store it."""
        draft = Draft(version, request.POST or None)
        previews: list[dict[str, object]] = []
        if "more" in request.POST:
            draft = Draft(version, draft.more())
        elif request.method == "POST" and draft.is_valid():
            if "save" in request.POST and (made := self._save(request, draft)):
                messages.success(request, f"{made.template} has its {made}, used from now on.")
                return HttpResponseRedirect(markup.page("content_preview", made.pk))
            previews = list(draft.previews())
        title = f"The next version of {version.template}" if version else "A new template"
        return render(
            request,
            "content/editor.html",
            admin.site.each_context(request)
            | {"title": title, "draft": draft, "previews": previews},
        )

    def _save(self, request: HttpRequest, draft: Draft) -> TemplateVersion | None:
        """Store a draft as a new template or as the next version; ``None`` if that is refused."""
        try:
            with transaction.atomic():
                if draft.version is None:
                    publisher = draft.about.cleaned_data["publisher"]
                    made = services.create_template(publisher.pk, **draft.body)
                else:
                    base = draft.about.cleaned_data["base"]
                    made = services.add_version(draft.version.template, **draft.body, base=base)
                action = "add_version" if draft.version else "create"
                self.audit(request, action, made.template, after=written(made))
                return made
        except services.TemplateExists:
            draft.about.add_error("name", "The publisher has a template of this name: edit that.")
        except services.NewerVersion as error:
            draft.errors.append(f"{error} Open the editor anew to begin with that one.")
        except Problem as error:  # of a category that went meanwhile
            draft.explain(error)
        return None

    @admin.display(description="state")
    def status(self, row: Template) -> SafeString | str:
        return markup.badge("deleted" if row.deleted_at else "active")

    def panels(self, request: HttpRequest, row: Template) -> Sequence[Panel]:
        rows = list(row.versions.order_by("-number")[:NEWEST])
        versions = markup.table(
            ("version", "default locale", "since", ""),
            (
                (
                    markup.link(markup.page("content_templateversion_change", one.pk), one.number),
                    one.default_locale,
                    markup.moment(one.created_at),
                    markup.link(markup.page("content_preview", one.pk), "Preview"),
                )
                for one in rows
            ),
        )
        return [Panel("Newest versions", versions), *_texts(rows[0] if rows else None)]


@admin.register(TemplateVersion)
class TemplateVersionAdmin(Panelled, ReadOnly):
    """Versions of templates, with a preview."""

    list_display = ("id", "template", "number", "default_locale", "category", "created_at")
    list_filter = (linked("template_id"),)
    list_select_related = ("template",)
    fields = ("template", "number", "default_locale", "category", "created_at")

    def panels(self, request: HttpRequest, row: TemplateVersion) -> Sequence[Panel]:
        link = markup.link(markup.page("content_preview", row.pk), "Preview it with variables")
        return [Panel("Preview", link), *_texts(row)]

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.preview)
        return [path("<int:pk>/preview/", view, name="content_preview"), *super().get_urls()]

    def preview(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Render the version with variables from the form, which are not stored."""
        row = TemplateVersion.objects.select_related("template").filter(pk=pk).first()
        if row is None:
            raise Http404
        if not self.has_view_permission(request, row):
            raise PermissionDenied
        sample = json.dumps(sample_of(compiled_template(pk)), ensure_ascii=False, indent=2)
        form = PreviewForm(
            compiled_template(pk).channels(), request.POST or None, initial={"variables": sample}
        )
        context: dict[str, object] = {"title": f"{row.template}, {row}", "row": row, "form": form}
        may_write = request.user.has_perm("content.change_template")
        context["may_send"] = may_write and row.template.deleted_at is None
        if form.is_valid():
            asked = form.cleaned_data
            try:
                context["filled"] = preview(
                    compiled_template(pk), asked["channel"], asked["locale"], asked["variables"]
                )
            except PreviewError as error:
                context["problem"] = str(error)
        answer = render(request, "content/preview.html", admin.site.each_context(request) | context)
        add_never_cache_headers(answer)
        return answer


class PreviewForm(forms.Form):
    """Channel, locale and variables of a preview."""

    channel = forms.ChoiceField()
    locale = forms.RegexField(
        r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*\Z",
        required=False,
        help_text="the recipient's; empty for the default locale",
    )
    variables = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 6, "class": "n-source"}),
        help_text="a JSON object; made up from what the texts use",
    )

    def __init__(self, channels: Sequence[str], *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        channel = cast(forms.ChoiceField, self.fields["channel"])
        channel.choices = [(one, one) for one in channels]
        for field in self.fields.values():
            field.widget.attrs["class"] = f"n-input {field.widget.attrs.get('class', '')}"

    def clean_variables(self) -> dict[str, object]:
        try:
            found: dict[str, object] = VariablesField().run_validation(
                strict_json.loads(self.cleaned_data["variables"].encode())
            )
        except strict_json.UnkeptJson as error:
            raise forms.ValidationError(str(error)) from None
        except ValueError:
            raise forms.ValidationError('Write a JSON object: {"name": "Ada"}.') from None
        except ValidationError as error:
            raise forms.ValidationError([str(one) for one in error.detail]) from None
        return found


def _texts(version: TemplateVersion | None) -> list[Panel]:
    """Return a panel for each translation."""
    if version is None:
        return []
    return [
        Panel(f"{one.channel} in {one.locale} (version {version.number})", _text(one))
        for one in version.translations.all()
    ]


def _text(one: Translation) -> SafeString:
    shown = {
        "title": one.title,
        "body": one.body,
        "html": one.html,
        "data": json.dumps(one.data, ensure_ascii=False, indent=2) if one.data else "",
        "actions": "\n".join(f"{label}: {url}" for label, url in one.actions),
    }
    return markup.table(
        ("", ""),
        (
            (name, format_html('<pre style="white-space: pre-wrap">{}</pre>', text))
            for name, text in shown.items()
            if text
        ),
    )
