"""Operators who see and press what is held, and a backup of the database."""

import pytest

from tests.support.deliveries.backups import Backup
from tests.support.publishers.admin_actions import onlooker, operator

__all__ = ["onlooker", "operator"]  # fixtures


@pytest.fixture
def backup(transactional_db, tmp_path) -> Backup:
    return Backup(tmp_path / "notifier.dump")
