"""Faults of providers."""

from datetime import timedelta

from faults.harness.fault import Duplicates, fault
from faults.harness.provider_proxy import Gate
from faults.harness.trial import Trial

#: Seconds of recovery with FCM's own first pause: a minute and a fifth of it.
FIRST_PAUSE = 90.0
#: Seconds of recovery where the breaker opens and probes use up the failures of all addresses.
PROBED = 90.0
YEAR = 365 * 86400
#: The longest retry of notifier.domain.backoff: six hours and a fifth of it, the jitter.
BELIEVED = timedelta(hours=6) * 1.2
ABSURD = ("soon", "-5", "nan", "1,5", "Wed, 21 Oct 1970 07:28:00 GMT")


def some_fail(trial: Trial, share: float, behaviour: str = "503", times: int = 1) -> None:
    """Have a share of the blast's addresses fail so many times each."""
    for address in trial.audiences.addresses(trial.size):
        if trial.rng.random() < share:
            trial.service.sandbox.behave("fcm", behaviour, address=address, times=times)


@fault(recovery=FIRST_PAUSE)
def provider_429_without_retry_after(trial: Trial) -> None:
    """The push provider answers 429 for four seconds, without a Retry-After."""
    _for_a_while(trial, "429", 4, retry_after="none")


@fault(recovery=FIRST_PAUSE)
def provider_429_with_absurd_retry_after(trial: Trial) -> None:
    """The push provider answers with a Retry-After that is no number, negative or in the past."""
    for turn, address in enumerate(trial.audiences.addresses(trial.size)[::10]):
        value = ABSURD[turn % len(ABSURD)]
        trial.service.sandbox.behave("fcm", "429", address=address, times=1, retry_after=value)
    trial.publish(slow=0)
    trial.broken()


@fault()
def provider_429_with_retry_after_of_a_year(trial: Trial) -> None:
    """The push provider answers one in a hundred with a Retry-After of a year: we wait hours."""
    addresses = trial.audiences.addresses(trial.size)[::100]
    for address in addresses:
        trial.service.sandbox.behave("fcm", "429", address=address, times=1, retry_after=YEAR)
    blast = trial.publish(slow=0)
    trial.broken()
    trial.left_waiting = len(addresses)
    waiting = (
        "SELECT max(next_attempt_at - now()) FROM delivery_delivery WHERE notification_id = %s"
    )
    trial.until(
        lambda: (trial.service.sql(waiting, blast.id)[0][0] or timedelta()) > timedelta(hours=1),
        20,
        "they wait",
    )
    [(longest,)] = trial.service.sql(waiting, blast.id)
    trial.hold(longest <= BELIEVED, f"a delivery waits for {longest}")


@fault(recovery=PROBED)
def provider_500_for_a_minute(trial: Trial) -> None:
    """The push provider answers 500 for a minute."""
    _for_a_while(trial, "500", 60)


@fault(recovery=PROBED)
def provider_503_for_four_seconds(trial: Trial) -> None:
    """The push provider answers 503 for four seconds."""
    _for_a_while(trial, "503", 4)


@fault(Duplicates.UNANSWERED, recovery=PROBED)
def provider_times_out_after_acceptance(trial: Trial) -> None:
    """The push provider accepts each message the first time and never answers."""
    _once_each(trial, "timeout")


@fault(Duplicates.UNANSWERED, recovery=PROBED)
def provider_resets_in_the_middle_of_its_answer(trial: Trial) -> None:
    """The push provider accepts each message the first time and resets amid its answer."""
    _once_each(trial, "torn")


@fault(recovery=PROBED)
def provider_resets_before_it_answers(trial: Trial) -> None:
    """The push provider resets each request the first time and accepts nothing."""
    _once_each(trial, "reset")


@fault(Duplicates.UNANSWERED)
def provider_answers_with_megabytes(trial: Trial) -> None:
    """The push provider accepts one message in twenty with an answer of 16 MiB."""
    some_fail(trial, 0.05, "huge")
    trial.publish(slow=0)
    trial.broken()


@fault(Duplicates.UNANSWERED, recovery=PROBED)
def provider_answers_with_invalid_json(trial: Trial) -> None:
    """The push provider accepts each message the first time with invalid JSON."""
    _once_each(trial, "garbled")


@fault(recovery=PROBED)
def provider_flaps(trial: Trial) -> None:
    """30 % of the push provider's answers are 503, twice for each of these addresses."""
    some_fail(trial, 0.3, times=2)
    trial.publish(slow=0)
    trial.broken()


@fault(Duplicates.CAPACITY)
def provider_silent(trial: Trial) -> None:
    """Packets to the push provider are dropped for eight seconds; no connection breaks."""
    push = trial.service.stage.processes["push"]
    usual = push.env["NOTIFIER_FCM_BASE_URL"]
    with Gate(usual) as gate:
        push.env["NOTIFIER_FCM_BASE_URL"] = gate.url
        trial.service.start("push")
        trial.publish()
        trial.begun()
        gate.shut()
        trial.broken()
        trial.lasts(8)
        gate.open()
        trial.healed()
        trial.lasts(0.5)
        trial.load.stop()
        push.env["NOTIFIER_FCM_BASE_URL"] = usual
        trial.service.start("push")


def _for_a_while(
    trial: Trial, behaviour: str, seconds: float, retry_after: str | None = None
) -> None:
    trial.service.sandbox.behave("fcm", behaviour, retry_after=retry_after)
    trial.publish(slow=0)
    trial.broken()
    trial.lasts(seconds)
    trial.service.sandbox.heal()
    trial.healed()


def _once_each(trial: Trial, behaviour: str) -> None:
    # A worker that met such a provider in the fault before calls it a few at a time for a while.
    trial.service.start("push")
    trial.service.sandbox.behave("fcm", behaviour, times=1)
    trial.publish(slow=0)
    trial.broken()
