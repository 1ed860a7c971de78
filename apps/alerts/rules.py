"""The alerts: names, thresholds and words, the only place in the code that has them.

``deploy/prometheus/rules.yml`` has the same names and thresholds; a test compares the two. Each
alert has a section in docs/operations/alerts.md.
"""

from dataclasses import dataclass
from enum import StrEnum

MINUTE, HOUR, DAY = 60, 3600, 86_400


class Severity(StrEnum):
    """Severity of an alert: somebody has to look now, or in the morning."""

    PAGE = "page"
    TICKET = "ticket"


#: Seconds for which the oldest urgent delivery, or one of normal or low priority, may be due.
HIGH_BACKLOG, NORMAL_BACKLOG, LOW_BACKLOG = 5, 900, 7200
#: Of how long ago a dead letter is news.
DEAD_LETTERS_WITHIN = 30 * MINUTE
#: Seconds for which the oldest schedule may be due.
SCHEDULES_OVERDUE = 60


@dataclass(frozen=True, slots=True)
class Burn:
    """The share of failed calls above which a provider fails, over a long and a short time.

    Both must be above it: the long one says that it matters, the short one that it still goes on.
    """

    share: float
    long: int
    short: int


#: A hundredth of the calls may fail over a month: 14.4 times that over an hour uses up 2 % of it.
FAILING = (Burn(0.144, HOUR, 5 * MINUTE), Burn(0.06, 6 * HOUR, 30 * MINUTE))
#: Counts of attempts are kept for two days, so the three days of Prometheus' rule are not here.
FAILING_SLOWLY = (Burn(0.03, DAY, 2 * HOUR),)
#: Failed calls that are too few to say anything.
FAILURES = 10
#: Seconds in which an attempt with refused credentials counts.
REFUSED_WITHIN = 10 * MINUTE
#: Of how many seconds a breaker was open for which share, while calls went on.
OPEN_WITHIN, OPEN_SHARE = 10 * MINUTE, 0.5
#: Seconds for which a process that runs may do nothing; after which one that ran is forgotten where
#: its line has others; and after which the last of its line is, since nobody misses it.
SILENT, GONE, REMOVED = 120, HOUR, 7 * DAY
#: Doorbells in a queue that nobody consumes.
UNATTENDED = 100
#: Seconds in which somebody tries passwords although they have to wait.
LOG_INS_WITHIN = 15 * MINUTE
KEY_AGE = 730 * DAY
ERASURE_AGE = DAY
#: Days from tomorrow on that have partitions, of seven. With one less, a weekend and the Monday on
#: which somebody looks still have theirs.
PARTITION_DAYS = 4
#: Before the end of a certificate, and of an API key.
CERTIFICATE_LEFT = 14 * DAY
API_KEY_LEFT = 7 * DAY
#: Seconds that clear a breaker's state for a moment, while it is tried.
PROBED = 2 * MINUTE


@dataclass(frozen=True, slots=True)
class Rule:
    """One alert.

    - ``lasts``: seconds for which its condition must hold before it begins.
    - ``forgives``: seconds for which the condition may fail meanwhile.
    - ``summary``: a sentence, ``{}`` is what the alert is about.
    - ``section``: its heading in docs/operations/alerts.md.
    - ``limits``: the numbers that its condition compares with.
    """

    name: str
    severity: Severity
    lasts: int
    summary: str
    section: str
    limits: frozenset[float] = frozenset()
    forgives: int = 0

    @property
    def runbook(self) -> str:
        """The address of the instructions for it."""
        return f"docs/operations/alerts.md#{self.section.lower()}"


def _rule(
    name: str,
    severity: Severity,
    lasts: int,
    summary: str,
    *limits: float,
    section: str = "",
    forgives: int = 0,
) -> Rule:
    name = f"Notifier{name}"
    section = f"Notifier{section}" if section else name
    return Rule(name, severity, lasts, summary, section, frozenset(limits), forgives)


_PAGE, _TICKET = Severity.PAGE, Severity.TICKET
RULES = {
    rule.name: rule
    for rule in (
        _rule(
            *("ProviderFailing", _PAGE, 0, "{} fails"),
            *(*(burn.share for burn in FAILING), FAILURES),
        ),
        _rule(
            *("ProviderFailingSlowly", _TICKET, 0, "{} fails more often than it may"),
            *(*(burn.share for burn in FAILING_SLOWLY), FAILURES),
            section="ProviderFailing",
        ),
        _rule(
            *("HighBacklog", _PAGE, MINUTE, "Urgent deliveries wait on {}", HIGH_BACKLOG),
            section="Backlog",
        ),
        _rule(
            *("Backlog", _TICKET, 10 * MINUTE, "Deliveries wait on {}"),
            *(NORMAL_BACKLOG, LOW_BACKLOG),
        ),
        _rule("DeadLetters", _TICKET, 0, "Deliveries on {} were given up"),
        _rule("Overload", _PAGE, 5 * MINUTE, "Notifications for {} are refused", 1),
        _rule(
            *("SchedulesOverdue", _PAGE, 2 * MINUTE, "Schedules are not run"),
            SCHEDULES_OVERDUE,
        ),
        _rule("CredentialsRefused", _PAGE, 0, "{} refuses our credentials or our sender", 0),
        _rule("AddressesDoubted", _PAGE, 0, "{} calls too many addresses dead", 1),
        _rule(
            *("BreakerOpen", _PAGE, round(OPEN_WITHIN * OPEN_SHARE), "{} is not called"),
            *(OPEN_SHARE, 0),
            forgives=PROBED,
        ),
        _rule("ProcessSilent", _PAGE, MINUTE, "{} does nothing", SILENT),
        _rule(
            *("ProcessGone", _PAGE, 2 * MINUTE, "There is no {} any more"),
            section="ProcessSilent",
        ),
        _rule("DatabaseDown", _PAGE, MINUTE, "The database does not answer"),
        _rule("BrokerDown", _TICKET, 5 * MINUTE, "The broker does not answer", 0),
        _rule("QueueUnattended", _TICKET, 5 * MINUTE, "Nobody consumes {}", UNATTENDED),
        _rule("RedisDown", _TICKET, 5 * MINUTE, "Redis does not answer"),
        _rule(
            *("EncryptionKeyOld", _TICKET, 5 * MINUTE),
            *("An encryption key is in use for more than two years", KEY_AGE),
        ),
        _rule(
            *("CertificateEnds", _TICKET, 5 * MINUTE, "The certificate of {} ends soon"),
            CERTIFICATE_LEFT,
        ),
        _rule("ApiKeyEnds", _TICKET, 0, "The API key {} ends soon", API_KEY_LEFT),
        _rule(
            *("ErasureWaits", _TICKET, 5 * MINUTE),
            *("A person is not erased for more than a day", ERASURE_AGE),
        ),
        _rule(
            *("PartitionsEnd", _TICKET, 5 * MINUTE),
            *("The partitions of the large tables end soon", PARTITION_DAYS),
        ),
        _rule("Held", _TICKET, HOUR, "What a restore held still waits for a decision"),
        _rule("LogInsPaused", _TICKET, 0, "Somebody tries passwords of the admin", 0),
    )
}


def of(name: str) -> Rule:
    """Return the rule of a name; one made up where another version of the service knows it."""
    return RULES.get(name) or Rule(name, _TICKET, 0, f"{name} {{}}", name)


#: Alerts of Prometheus that have no equal here, and why.
OF_PROMETHEUS_ALONE = {
    "NotifierHighLate": "how late calls begin is counted in files of each machine, and not stored; "
    "`NotifierHighBacklog` says that something urgent waits",
    "NotifierHighLateSlowly": "likewise",
    "NotifierReceiptsRefused": "receipts that are refused are counted in files of each machine, "
    "and nothing of them is stored",
    "NotifierDown": "nobody scrapes: `NotifierProcessGone` says that `web` is gone, and "
    "`NotifierDatabaseDown` that nothing works",
}
#: Alerts that Prometheus' rules do not have.
OF_OURS_ALONE = frozenset({"NotifierDatabaseDown", "NotifierApiKeyEnds", "NotifierHeld"})
