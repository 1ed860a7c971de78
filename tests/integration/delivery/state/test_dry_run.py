"""The transaction in which audiences are judged and nothing is written."""

import pytest
from django.db import InternalError, transaction

from apps.delivery.state import dry_run
from apps.preferences.models import Recipient


def test_nothing_can_be_written_where_an_audience_is_only_judged(transactional_db):
    with pytest.raises(InternalError, match="read-only"), transaction.atomic():
        dry_run.begin()
        Recipient.objects.create(user_id="ada")
    assert not Recipient.objects.exists()
