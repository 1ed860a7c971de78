"""Faults of a RabbitMQ cluster of three nodes, one of which fails."""

import signal

from faults.harness.fault import fault
from faults.harness.trial import Trial
from faults.kinds.broker import BUSY
from notifier.domain.priorities import Priority
from notifier.domain.queues import deliver_queue

#: Seconds for which a node is away or cut off.
AWAY = 20.0
CODES = deliver_queue("sms", Priority.HIGH)


@fault(cluster=True)
def leader_of_a_busy_queue_killed(trial: Trial) -> None:
    """The node that leads the queue of one-time codes is killed and down for 20 s."""
    cluster = trial.service.cluster
    assert cluster
    pids = trial.service.stage.processes.pids()
    leader = cluster.leader(trial.service.at_broker(CODES))
    trial.publish(codes=BUSY)
    trial.begun()
    trial.broken()
    leader.kill()
    trial.lasts(AWAY)
    leader.start()
    trial.healed()
    trial.hold(trial.service.stage.processes.pids() == pids, "a process ended")


@fault(cluster=True)
def everybodys_node_cut_off(trial: Trial) -> None:
    """The node that all clients are connected to is silent for 20 s: no connection breaks."""
    cluster = trial.service.cluster
    assert cluster
    pids = trial.service.stage.processes.pids()
    node = cluster.nodes[0]
    cluster.gather(node)
    trial.publish(codes=BUSY)
    trial.begun()
    trial.broken()
    node.kill(signal.SIGSTOP)
    try:
        trial.lasts(AWAY)
    finally:
        node.kill(signal.SIGCONT)
    trial.healed()
    trial.hold(trial.service.stage.processes.pids() == pids, "a process ended")
