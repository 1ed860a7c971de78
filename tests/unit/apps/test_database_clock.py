"""Times that others read come from the database's clock, in every app."""

import re
from pathlib import Path

from django.apps import apps
from django.db import models

from apps.core.fields import StampField
from stack.supervision.process import ROOT

ASKS_THIS_MACHINE = re.compile(r"timezone\.now\b|\btime\.time\(|datetime\.(now|utcnow)\(|auto_now")
#: Modules that reckon in this machine's time and translate it, or sign a token.
OWN_TIME = {
    *("core/clock.py", "core/fields.py"),
    *("delivery/flow/availability.py", "delivery/flow/provider_quotas.py"),
    "delivery/sending/admission.py",
    "delivery/sending/cancellation.py",
    *("delivery/sending/judging.py", "delivery/sending/messages.py"),
    "inbox/management/commands/inbox_token.py",
    "core/tracing/__init__.py",  # as the tracers of all others
    "core/processes/heartbeat.py",  # Prometheus compares it with this machine's time
    # how far it is off
    *("doctor/checks/database.py", "doctor/checks/providers.py", "doctor/checks/sign_in.py"),
}


def test_no_module_asks_this_machine_what_time_it_is():
    asking = {
        str(path.relative_to(ROOT / "apps"))
        for path in Path(ROOT / "apps").rglob("*.py")
        if "migrations" not in path.parts
        and ASKS_THIS_MACHINE.search(re.sub(r"StampField\(.*", "", path.read_text()))
    }
    assert asking - OWN_TIME == set(), "use apps.core.clock.moment()"


def test_times_that_a_model_sets_by_itself_are_the_databases():
    ours = [model for model in apps.get_models() if model.__module__.startswith("apps.")]
    fields = {
        field
        for model in ours
        for field in model._meta.fields
        if isinstance(field, models.DateTimeField) and (field.auto_now or field.auto_now_add)
    }
    assert {str(field) for field in fields if not isinstance(field, StampField)} == set()
