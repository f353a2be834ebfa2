"""`pos-notif publish`: an event or a batch from a file, in earnest or to see what would come of it."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import click

from ..config import Config, from_environment
from ..errors import CommandFailed, DomainError, LogUnavailable
from .accounts import FileName, cluster_option, database_option
from .terminal import TERMINAL, input_name, publishing, read_input

# Of the fields that are wrong, the first ones: it is one line.
MOST_PROBLEMS = 5


@click.command("publish")
@click.argument("file", type=FileName(allow_dash=True))
@click.option("--dry-run", is_flag=True, help="Append nothing; print the events as they would be, and their orders.")
@cluster_option
@database_option
def publish_command(file: str, dry_run: bool, cluster: str | None, database: str | None) -> None:
    """Publish an event or a batch from a JSON file, beside a running service or without one.

    FILE holds what `POST /api/notificaciones/eventos` takes: one event, or {"eventos": […]}. `-` is standard input. The
    answer is printed as JSON. An event whose operacion_id was published from here before is not published again.
    """
    config = from_environment(database=database, cluster=cluster)
    body = read_input(file, config.max_body_bytes, " (POS_NOTIF_MAX_BODY_BYTES)")
    try:
        answer = asyncio.run(_publish(config, body, dry_run))
    except LogUnavailable:
        raise
    except DomainError as error:
        raise CommandFailed(f"{input_name(file)}: nothing was published: {_words(error)}") from error
    # For people; one line for a script.
    click.echo(json.dumps(answer, ensure_ascii=False, indent=2 if sys.stdout.isatty() else None))


def _words(error: DomainError) -> str:
    """Returns what a publisher is told over HTTP, as one line."""
    problems = [f"{path} {problem}" for path, problem in error.fields.items()]
    more = [f"… ({len(problems)} fields)"] if len(problems) > MOST_PROBLEMS else []
    return "; ".join([str(error), *problems[:MOST_PROBLEMS], *more])


async def _publish(config: Config, body: bytes, dry_run: bool) -> dict[str, Any]:
    # What checks drafts takes a second to load, for which `--help` does not wait.
    from ..publishing.publication import Publisher
    from ..publishing.sent import read_sent

    # Its idempotency keys are its own, as a token's are.
    publisher = Publisher("terminal", TERMINAL, names_actor=True)
    sent = read_sent(body, config.max_event_bytes)
    async with publishing(config) as opened:
        if dry_run:
            rehearsal = await opened.rehearse(sent.drafts, publisher=publisher, batch=sent.batch)
            answer: dict[str, Any] = json.loads(rehearsal.json())
        else:
            result = await opened.publish(sent.drafts, publisher=publisher, batch=sent.batch)
            answer = sent.answer(result, opened.log.cursor)
        return answer
