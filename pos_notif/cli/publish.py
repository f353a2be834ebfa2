"""`pos-notif publish`: an event or a batch from a file, in earnest or to see what would come of it."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import click

from ..config import Config, from_environment
from ..errors import BadJson, CommandFailed, DomainError, LogUnavailable
from ..wire.json_limits import BODY
from ..wire.json_text import escaped, parse
from .accounts import FileName, cluster_option, database_option
from .terminal import TERMINAL, input_name, publishing, read_input

# Of the fields that are wrong, the first ones: it is one line.
MOST_PROBLEMS = 5
MOST_CHARACTERS = 60


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
        raise CommandFailed(f"{input_name(file)}: nothing was published: {_words(error, body)}") from error
    # For people; one line for a script.
    text = json.dumps(answer, ensure_ascii=False, indent=2 if sys.stdout.isatty() else None)
    click.echo("\n".join(map(escaped, text.split("\n"))))


def _words(error: DomainError, body: bytes) -> str:
    """Returns the wire's code of what is wrong, and where, as one line of English: what a publisher is told over HTTP
    is Spanish."""
    if not error.fields:
        return f"{error.code}: {error.__cause__}" if isinstance(error, BadJson) and error.__cause__ else error.code
    sent = parse(body)
    problems = [f"{path} {_shown(sent, path)}" for path in list(error.fields)[:MOST_PROBLEMS]]
    more = [f"… ({len(error.fields)} fields)"] if len(error.fields) > MOST_PROBLEMS else []
    return f"{error.code}: " + "; ".join([*problems, *more])


def _shown(value: Any, path: str) -> str:
    """Returns the beginning of what was sent at a path (`pedido.items.0.cantidad`); "is missing" where nothing was."""
    for part in path.split(".") if path != BODY else ():
        if isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        elif isinstance(value, dict) and part in value:
            value = value[part]
        else:
            return "is missing"
    text = json.dumps(value, ensure_ascii=False)
    return escaped(text if len(text) <= MOST_CHARACTERS else text[:MOST_CHARACTERS] + "…")


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
