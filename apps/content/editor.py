"""The admin's editor of templates: forms whose texts are validated as those that are posted.

A version never changes, so saving stores the next one, which is used from then on.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from django import forms
from django.conf import settings
from django.forms.formsets import BaseFormSet, formset_factory
from rest_framework.serializers import ValidationError

from apps.api.problems import Problem, as_problem
from apps.api.serializers import read
from apps.content import validation
from apps.content.compiled_templates import CompiledTemplate, compiled
from apps.content.models import TemplateVersion, Translation
from apps.content.preview import PreviewError, preview
from apps.content.serializers import MOST_CONTENTS, TemplateIn, VersionIn
from apps.preferences.models import Category
from apps.publishers.models import Publisher
from notifier.templates import sample_variables
from notifier.transport import strict_json


class _Styled(forms.Form):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for field in self.fields.values():
            if not isinstance(field.widget, forms.CheckboxInput):
                field.widget.attrs.setdefault("class", "n-input")


class VersionForm(_Styled):
    """The fields of a version beside its texts."""

    default_locale = forms.CharField(
        initial="en", max_length=35, help_text="for people whose own language has no text"
    )
    category = forms.ChoiceField(required=False, help_text="of notifications that name none")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        names = Category.objects.order_by("position", "name").values_list("name", flat=True)
        choices = [("", "none"), *((name, name) for name in names)]
        cast(forms.ChoiceField, self.fields["category"]).choices = choices


class NextVersionForm(VersionForm):
    """A version that follows version ``base``."""

    base = forms.IntegerField(widget=forms.HiddenInput)


class NewTemplateForm(VersionForm):
    """A template with its version 1."""

    publisher = forms.ModelChoiceField(Publisher.objects.order_by("name"))
    name = forms.CharField(max_length=200, help_text="by which notifications refer to it")
    display_name = forms.CharField(max_length=200, required=False)
    field_order = ("publisher", "name", "display_name")


def _text(rows: int, help_text: str, label: str | None = None) -> forms.CharField:
    widget = forms.Textarea(attrs={"rows": rows, "class": "n-input n-source", "spellcheck": "true"})
    return forms.CharField(
        required=False, strip=False, widget=widget, help_text=help_text, label=label
    )


class ContentForm(_Styled):
    """The texts on one channel in one locale."""

    channel = forms.ChoiceField(choices=lambda: [(name, name) for name in settings.CHANNELS])
    locale = forms.CharField(max_length=35, help_text="BCP 47: en, de-AT")
    title = _text(1, "the subject of an email")
    body = _text(4, "with {{ variables }}")
    html = _text(4, "of an email, beside the body", label="HTML")
    # A field, which Django's metaclass takes out of the class: the attribute is not overridden.
    data = cast(Any, _text(2, "a JSON object for apps, or empty"))
    actions = _text(2, "a line each: Label: https://…")

    def content(self) -> dict[str, object]:
        """Return the texts as the API takes them. Adds errors to fields that cannot be read."""
        typed = self.cleaned_data
        found: dict[str, object] = {name: typed[name] for name in ("channel", "locale")}
        # A browser sends lines with CR LF.
        found |= {name: typed[name].replace("\r\n", "\n") for name in ("title", "body", "html")}
        if typed["data"].strip():
            try:
                found["data"] = strict_json.loads(typed["data"].encode())
            except ValueError:
                self.add_error("data", 'Write a JSON object: {"order": "7"}.')
        actions = {}
        for line in filter(None, map(str.strip, typed["actions"].splitlines())):
            # The last one: a label may have a colon.
            label, _, url = (part.strip() for part in line.rpartition(": "))
            if not label:
                self.add_error("actions", f"Write “Label: https://…”, not “{line}”.")
            if label in actions:
                self.add_error("actions", f"{label} is there twice.")
            actions[label] = url
        return {**found, "actions": actions}


if TYPE_CHECKING:
    _FormSet: TypeAlias = BaseFormSet[ContentForm]
else:
    _FormSet = BaseFormSet


class _Contents(_FormSet):
    def add_fields(self, form: ContentForm, index: int | None) -> None:
        super().add_fields(form, index)
        form.fields["DELETE"].label = "Leave this text out"


ContentForms = formset_factory(
    ContentForm,
    formset=_Contents,
    extra=0,
    can_delete=True,
    max_num=MOST_CONTENTS,
    absolute_max=MOST_CONTENTS,
)


class VariablesForm(_Styled):
    """Variables to render an example with."""

    variables = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, "class": "n-input n-source"}),
        help_text="a JSON object for the preview; empty: made up from what the texts use",
    )

    def values(self) -> dict[str, object] | None:
        """Return the variables, ``None`` if there are none. Adds an error if not readable."""
        typed = self.cleaned_data["variables"]
        if not typed.strip():
            return None
        try:
            found = strict_json.loads(typed.encode())
        except ValueError:
            found = None
        if not isinstance(found, dict):
            self.add_error("variables", 'Write a JSON object: {"name": "Ada"}.')
            return None
        return found


class Draft:
    """A template as an operator wrote it, in three forms: ``about``, ``contents``, ``example``.

    ``version``: the one that it changes; without one it makes a template.
    """

    def __init__(self, version: TemplateVersion | None, typed: Mapping[str, Any] | None) -> None:
        self.version = version
        form = NewTemplateForm if version is None else NextVersionForm
        self.about = form(typed, initial=None if version is None else _about(version))
        rows = [{"locale": "en"}] if version is None else list(map(_typed, _texts(version)))
        self.contents: _FormSet = ContentForms(
            typed,
            initial=rows,
            prefix="text",
            # A text of which nothing was sent would else be valid, and have no fields.
            form_kwargs={"empty_permitted": False},
        )
        self.example = VariablesForm(typed)
        #: Errors that belong to no field.
        self.errors: list[str] = []
        #: The validated body, once ``is_valid``.
        self.body: dict[str, Any] = {}

    def is_valid(self) -> bool:
        """Validate the forms, then what they say as the API does."""
        # Each is asked, so that all show their errors.
        valid = [one.is_valid() for one in (self.about, self.contents, self.example)]
        if not all(valid):
            return False
        self.variables = self.example.values()
        kept = [form for form in self.contents if not form.cleaned_data.get("DELETE")]
        posted: dict[str, object] = {
            name: value.strip()
            for name, value in self.about.cleaned_data.items()
            if isinstance(value, str)
        }
        posted["contents"] = [form.content() for form in kept]
        if not all(form.is_valid() for form in (*kept, self.example)):
            return False
        try:
            body = read(TemplateIn if self.version is None else VersionIn, posted)
            validation.check_category(body.get("category", ""))
            validation.check_version(body["default_locale"], body["contents"])
        except (Problem, ValidationError) as error:
            self.explain(error, kept)
            return False
        self.body = body
        return True

    def explain(self, error: Exception, kept: Sequence[ContentForm] = ()) -> None:
        """Put a problem's errors beside the fields that they are about."""
        problem = as_problem(error)
        assert problem is not None
        for one in problem.errors or [{"pointer": "", "detail": problem.sentence}]:
            _, *parts = one["pointer"].split("/")
            form: forms.Form | None = self.about
            if parts[:1] == ["contents"]:
                number = int(parts[1]) if len(parts) > 1 else -1
                form, parts = (kept[number] if 0 <= number < len(kept) else None), parts[2:]
            if form is not None and parts and parts[0] in form.fields:
                form.add_error(parts[0], one["detail"])
            elif form is not None and form is not self.about:
                form.add_error(None, one["detail"])
            else:
                self.errors.append(one["detail"])

    def more(self) -> dict[str, Any]:
        """Return what was typed with one more, empty content."""
        typed = dict(self.about.data.items())
        count = self.contents.total_form_count()
        locale = str(typed.get("default_locale", ""))
        return typed | {"text-TOTAL_FORMS": str(count + 1), f"text-{count}-locale": locale}

    def previews(self) -> Iterator[dict[str, object]]:
        """Render each content with the variables, or with made up ones; or say why it cannot be."""
        template = self._compiled()
        variables = self.variables
        if variables is None:
            variables = sample_of(template)
        for channel, locales in template.translations.items():
            for locale in locales:
                try:
                    yield preview(template, channel, locale, variables)
                except PreviewError as error:
                    yield {"channel": channel, "locale": locale, "problem": str(error)}

    def _compiled(self) -> CompiledTemplate:
        rows = [
            (content["channel"], content["locale"], validation.translation_of(content))
            for content in self.body["contents"]
        ]
        name = self.body.get("name") or (self.version.template.name if self.version else "")
        number = self.version.number + 1 if self.version else 1
        return compiled(0, name, number, self.body["default_locale"], "", rows)


def sample_of(template: CompiledTemplate) -> dict[str, Any]:
    """Return variables with which a template can be rendered."""
    return sample_variables(
        one for locales in template.translations.values() for one in locales.values()
    )


def _about(version: TemplateVersion) -> dict[str, object]:
    return {
        "default_locale": version.default_locale,
        "category": version.category,
        "base": version.number,
    }


def _texts(version: TemplateVersion) -> Sequence[Translation]:
    return list(version.translations.all())


def _typed(row: Translation) -> dict[str, str]:
    """Return a stored text as the form shows it."""
    return {
        **{name: getattr(row, name) for name in ("channel", "locale", "title", "body", "html")},
        "data": json.dumps(row.data, ensure_ascii=False, indent=2) if row.data else "",
        "actions": "\n".join(f"{label}: {url}" for label, url in row.actions),
    }
