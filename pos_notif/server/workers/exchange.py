"""What the parent does for the workers' boards: it keeps what they post, asks one for another, and counts their tries.

It knows no message's meaning but for counts, which must go on being counted when the process that made them is gone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from ...board import LocalBoard, Outcome
from ...clock import Clocks
from ...counts import COUNTS, added
from .pair import Pair

ANSWER_SECONDS = 1.0


@dataclass(slots=True)
class Member:
    """A worker, as the others' boards know it. `posts` are what it has posted; `tries` the keys of those that it has
    begun, by the number of its request."""

    number: int
    pair: Pair
    is_ready: bool = False
    posts: dict[str, bytes] = field(default_factory=dict)
    tries: dict[int, str] = field(default_factory=dict)
    beginning: dict[int, asyncio.Task[None]] = field(default_factory=dict)


@dataclass(slots=True)
class _Question:
    """What one has asked of the others, of whom `missing` have not answered."""

    missing: set[int]
    answers: dict[int, bytes | None]
    done: Callable[[], None]


class Exchange:
    """The boards of all workers."""

    def __init__(self) -> None:
        self._members: dict[int, Member] = {}
        self._tries = LocalBoard(Clocks())
        self._questions: dict[int, _Question] = {}
        self._numbers = count()
        # What was counted by those that are gone.
        self._left: dict[str, bytes] = {}

    def join(self, number: int, pair: Pair) -> Member:
        """Takes a worker in, and tells it what the others have posted."""
        member = self._members[number] = Member(number, pair)
        for name, value in self._left.items():
            pair.send("posted", 0, name, value)
        for other in self._others(member):
            for name, value in other.posts.items():
                pair.send("posted", other.number, name, value)
        pair.send("joined")
        return member

    def leave(self, member: Member) -> None:
        """Forgets a worker that has ended. A try that it had begun was made."""
        del self._members[member.number]
        for task in member.beginning.values():
            task.cancel()
        for key in member.tries.values():
            self._tries.end_try(key, Outcome.FAILED)
        for question in list(self._questions.values()):
            self._note(question, member.number, None)
        if COUNTS in member.posts:
            self._left[COUNTS] = added([member.posts[COUNTS], *filter(None, [self._left.get(COUNTS)])])
        for other in self._members.values():
            # With what is left of it, in one message: a sum must not become less in between.
            other.pair.send("gone", member.number, self._left)

    def _others(self, member: Member) -> list[Member]:
        return [other for other in self._members.values() if other is not member]

    def handle(self, member: Member, message: list[Any]) -> None:
        """Does what a worker asks of the board."""
        match message:
            case ["post", name, value]:
                member.posts[name] = value
                for other in self._others(member):
                    other.pair.send("posted", member.number, name, value)
            case ["ask", number, name]:
                self._ask(member, number, name)
            case ["told", number, value]:
                if number in self._questions:
                    self._note(self._questions[number], member.number, value)
            case ["begin", number, key, seconds, limit]:
                beginning = asyncio.get_running_loop().create_task(self._begin(member, number, key, seconds, limit))
                member.beginning[number] = beginning
                # Not at its own end: one that is cancelled at once never begins.
                beginning.add_done_callback(lambda _: member.beginning.pop(number, None))
            case ["end", number, outcome]:
                if number in member.tries:
                    self._tries.end_try(member.tries.pop(number), Outcome(outcome))
                elif number in member.beginning:
                    member.beginning[number].cancel()

    async def _begin(self, member: Member, number: int, key: str, seconds: float, limit: int) -> None:
        tries = await self._tries.begin_try(key, seconds, limit)
        if tries.may:
            member.tries[number] = key
        member.pair.send("answer", number, tries)

    def _ask(self, asking: Member, number: int, name: str) -> None:
        others = [other for other in self._others(asking) if other.is_ready]
        mine = next(self._numbers)
        timer = asyncio.get_running_loop().call_later(ANSWER_SECONDS, lambda: done())

        def done() -> None:
            timer.cancel()
            if self._questions.pop(mine, None) is not None:
                asking.pair.send("answer", number, question.answers)

        numbers = {other.number for other in others}
        question = self._questions[mine] = _Question(numbers, dict.fromkeys(numbers), done)
        for other in others:
            other.pair.send("asked", mine, name)
        if not others:
            done()

    def _note(self, question: _Question, number: int, value: bytes | None) -> None:
        if number in question.missing:
            question.missing.discard(number)
            question.answers[number] = value
            if not question.missing:
                question.done()
