"""What a look at the alerts does where it cannot go on."""

from dataclasses import replace

from apps.alerts import evaluator
from apps.alerts.database_alarm import NAME
from apps.alerts.models import Presence
from apps.alerts.rules import RULES

TABLE = Presence._meta.db_table


def test_a_database_without_our_tables_answers(mailbox, execute, monkeypatch, caplog):
    """What is to be done is in the log; mails about a server that is away would mislead."""
    monkeypatch.setitem(RULES, NAME, replace(RULES[NAME], lasts=0))
    execute(f"ALTER TABLE {TABLE} RENAME TO not_migrated")
    try:
        evaluator.run_round(evaluates=True)
    finally:
        execute(f"ALTER TABLE not_migrated RENAME TO {TABLE}")
    assert not mailbox.mails
    assert "alerts cannot be evaluated" in caplog.text
