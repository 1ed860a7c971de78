"""Faults of receipts: sent twice, late, in the wrong order, or forged."""

from faults.harness.fault import fault
from faults.harness.trial import Trial

#: Text messages of the blast.
TEXTS = 200
#: Seconds within which the sandbox has sent all receipts, one after the other.
SANDBOX = 45.0


@fault(recovery=SANDBOX)
def receipts_twice(trial: Trial) -> None:
    """Each receipt comes twice."""
    _report(trial, "twice")


@fault(recovery=SANDBOX)
def receipts_in_the_wrong_order(trial: Trial) -> None:
    """The last receipt of each message comes first."""
    _report(trial, "reversed")


@fault(recovery=SANDBOX)
def receipts_before_our_own_record(trial: Trial) -> None:
    """The receipts come before the provider has answered our call."""
    _report(trial, "early", seconds=0.5)


@fault(recovery=SANDBOX)
def receipts_forged(trial: Trial) -> None:
    """The receipts have another signature: they are refused."""
    trial.service.sandbox.behave("twilio", "forged")
    _publish(trial)
    trial.lasts(3)
    states = _states(trial)
    trial.hold("delivered" not in states, f"a forged receipt was believed: {states}")


@fault(recovery=SANDBOX)
def receipts_late(trial: Trial) -> None:
    """Receipts are not read for four seconds."""
    trial.service.stage.processes.stop("housekeeping")
    _publish(trial)
    trial.lasts(4)
    trial.service.start("housekeeping")
    trial.healed()
    trial.wants_receipts = True


def _report(trial: Trial, behaviour: str, seconds: float | None = None) -> None:
    trial.service.sandbox.behave("twilio", behaviour, seconds=seconds)
    _publish(trial)
    trial.wants_receipts = True


def _publish(trial: Trial) -> None:
    trial.service.sandbox.send_receipts(trial.service.stage.api_url)
    trial.size = TEXTS
    trial.publish(channel="sms")
    trial.broken()


def _states(trial: Trial) -> set[str]:
    rows = trial.service.sql(
        "SELECT DISTINCT state FROM delivery_delivery "
        "WHERE channel = 'sms' AND notification_id = ANY(%s::uuid[])",
        list(trial.load.posted),
    )
    return {state for (state,) in rows}
