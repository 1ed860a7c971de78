"""Every process of the service, in the order in which the Procfile has them.

After a change run ``make deployment``, which writes the files that are made from this.
"""

from config.processes.process import Port, Probe, Process

WEB = Port("PORT", 8000, "WEB_HOST")
STREAM = Port("STREAM_PORT", 8001, "STREAM_HOST")
FLOWER = Port("FLOWER_PORT", 5555, "FLOWER_HOST")
_CELERY = "celery --quiet -A config"


def _worker(name: str, *queues: str, threads: int, bulk: bool = False) -> Process:
    return Process(
        name,
        f"{_CELERY} worker -n ${{HONCHO_PROCESS_NAME:-{name}}}@%h -P threads "
        f"-c ${{WORKER_THREADS:-{threads}}} -Q {','.join(queues)} "
        "--without-mingle --without-gossip --loglevel ${NOTIFIER_LOG_LEVEL:-INFO}",
        Probe.PROGRESS,
        bulk=bulk,
        queues=queues,
        reserved=True,
    )


def _of_channel(channel: str) -> tuple[Process, Process]:
    queue = f"deliver.{channel}"
    return (
        _worker(f"{channel}_high", f"{queue}.high", threads=32),
        _worker(channel, f"{queue}.normal", f"{queue}.low", threads=16, bulk=True),
    )


PROCESSES: tuple[Process, ...] = (
    Process(
        "web",
        "gunicorn config.wsgi --config config/gunicorn.py --workers ${WEB_PROCESSES:-2} "
        f"--threads ${{WEB_THREADS:-8}} --bind {WEB.address}:{WEB} --no-control-socket",
        Probe.HTTP,
        port=WEB,
    ),
    Process(
        "stream",
        f"python -m config.web.stream --host {STREAM.address} --port {STREAM}",
        Probe.HTTP,
        port=STREAM,
    ),
    _worker("fanout_high", "fanout.high", "deliver.inbox.high", threads=32),
    _worker(
        "fanout",
        *("fanout.normal", "fanout.low", "deliver.inbox.normal", "deliver.inbox.low"),
        threads=16,
        bulk=True,
    ),
    *_of_channel("push"),
    *_of_channel("sms"),
    *_of_channel("email"),
    *_of_channel("webhook"),
    _worker("housekeeping", "housekeeping", "receipts", threads=4),
    Process("beat", f"{_CELERY} beat --loglevel ${{BEAT_LOG_LEVEL:-WARNING}}", Probe.PROGRESS),
    Process(
        "flower",
        f"{_CELERY} flower --conf=config/operators/flower.py "
        f"--address={FLOWER.address} --port={FLOWER}",
        Probe.PORT,
        port=FLOWER,
    ),
)
