"""What the commands of a cluster share: their settings, and who this node is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

import click

from ..cluster.engine import Engine, parse
from ..cluster.members import name_problem
from ..cluster.node import membership_of, replication_of
from ..cluster.places import Membership
from ..cluster.replica import Replica
from ..cluster.sequence import Unknown
from ..config import Config, from_environment
from ..database.threads import Database
from ..errors import CommandFailed, ConfigurationError
from ..upkeep.joining import NodeClient, Offered

Command = TypeVar("Command", bound=Callable[..., Any])


class NodeName(click.types.StringParamType):
    """What a node may be called; another name is a wrong use of the command."""

    name = "name"

    def convert(self, value: Any, param: click.Parameter | None, context: click.Context | None) -> str:
        problem = name_problem(str(value))
        if problem is not None:
            self.fail(problem, param, context)
        return str(value)


def node_option(command: Command) -> Command:
    return click.option("--node", type=NodeName(), help="This node's name.  [POS_NOTIF_NODE]")(command)


async def catch_up(config: Config) -> int:
    """Brings the file of a node that is not served up to the engine's head, and returns how far that is."""
    replica = await replication(config)
    assert replica is not None
    database = await Database.open(config.database, create=False, replication=replica)
    try:
        await database.write(lambda connection: None)  # a write of nothing is confirmed by the engine's head
        return replica.position
    finally:
        await database.close()


async def replication(config: Config) -> Replica | None:
    """Returns what orders what is written into a node's file. Raises ConfigurationError or LogRefused."""
    return await asyncio.to_thread(replication_of, config)


def settings(cluster: str | None, node: str | None, database: str | None) -> tuple[Config, Engine]:
    """Reads the options over the environment. Raises ConfigurationError, also where no engine is named."""
    config = from_environment(database=database, cluster=cluster, node=node)
    if not config.cluster:
        raise ConfigurationError(NO_CLUSTER)
    return config, parse(config.cluster)


NO_CLUSTER = "name the engine: --cluster etcd://a:2379,b:2379,c:2379 or redis://host:6379 (or POS_NOTIF_CLUSTER)"


def own_name(config: Config) -> str:
    """Returns the name that the settings give this node. Raises ConfigurationError where they give none."""
    if not config.node:
        raise ConfigurationError("give this node a name: --node (or POS_NOTIF_NODE)")
    problem = name_problem(config.node)
    if problem is not None:
        raise ConfigurationError(f"POS_NOTIF_NODE: {problem}")
    return config.node


def membership_for(config: Config, engine: Engine) -> Membership:
    """Returns the membership of the file. Raises CommandFailed where it is none of that engine's."""
    membership = membership_of(config.database)
    if membership is None:
        raise CommandFailed(f"{config.database}: is no node's file; pos-notif cluster init or join make one")
    if membership.engine != engine.name:
        raise CommandFailed(f"{config.database}: is a node's of {membership.engine}, and not of {engine.name}")
    return membership


def offered_by(client: NodeClient, engine: Engine) -> Offered:
    """Returns what the node says of its log. Raises ConfigurationError where its engine is of another kind."""
    offered = client.offered()
    if offered.engine != engine.name:
        raise ConfigurationError(f"--cluster: that node's engine is {offered.engine}, and not {engine.name}")
    return offered


def no_engine(engine: Engine, error: Unknown) -> CommandFailed:
    """Returns what is said where the engine does not answer."""
    return CommandFailed(f"{engine.name} does not answer ({error or 'within a second'})")
