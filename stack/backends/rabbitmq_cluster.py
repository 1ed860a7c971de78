"""A RabbitMQ cluster on this machine."""

import contextlib
from typing import Self

from stack.backends.rabbitmq import RabbitMQ
from stack.errors import StackError
from stack.state_directory import State


class Cluster:
    """Three nodes: ``with Cluster(state) as cluster:`` runs them.

    ``url`` has the URL of each, with ``;`` between them.
    """

    def __init__(self, state: State) -> None:
        self.nodes = [RabbitMQ(state, name=f"rabbitmq{number}") for number in (1, 2, 3)]
        self.url = ";".join(node.url for node in self.nodes)
        first = self.nodes[0]
        for node in self.nodes:
            node.mapper = first.mapper  # by which they find each other
            node.env |= {name: first.env[name] for name in ("HOME", "ERL_EPMD_PORT")}
            with node.settings.open("a") as settings:
                settings.write("cluster_partition_handling = pause_minority\n")
                if node is not first:
                    settings.write(
                        "cluster_formation.peer_discovery_backend = classic_config\n"
                        f"cluster_formation.classic_config.nodes.1 = {first.node}\n"
                        f"cluster_formation.classic_config.nodes.2 = {node.node}\n"
                    )

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as started:
            for node in self.nodes:
                started.callback(node.stop)
                node.start()
            self._stack = started.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def heal(self) -> None:
        """Start the nodes that are not running."""
        for node in self.nodes:
            if not node.alive:
                node.start()

    def leader(self, queue: str) -> RabbitMQ:
        """Return the leader of a quorum queue. Raises ``StackError`` where there is none."""
        lines = self.nodes[0].control("list_queues", "name", "leader", "--no-table-headers")
        leaders = dict(line.split() for line in lines.splitlines() if len(line.split()) == 2)
        for node in self.nodes:
            if leaders.get(queue) == node.node:
                return node
        raise StackError(f"{queue} has no leader: {leaders}")

    def gather(self, node: RabbitMQ) -> None:
        """Have every client connect to this node."""
        others = [other for other in self.nodes if other is not node]
        for other in others:
            other.control("suspend_listeners")
        try:
            # Each node reports the connections of the whole cluster.
            node.control("close_all_connections", "they are to be elsewhere")
            node.wait_until(lambda: self._all_at(node))
        finally:
            for other in others:
                other.control("resume_listeners")

    def _all_at(self, node: RabbitMQ) -> bool:
        """Return whether there are clients, and all of them are connected to this node."""
        lines = node.control("list_connections", "pid", "--no-table-headers").splitlines()
        return bool(lines) and all(f"<{node.node}." in line for line in lines)
