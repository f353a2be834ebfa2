"""Who may open a closed engine: anybody whose file stands in it, at once, at a new epoch.

One engine without failover may restart and, against its promise (an old snapshot, a disk that lies), come back with any
prefix of its stream. Every state that can come of that is looked at, breadth first. Records are positive, the base
record of an opening is negative. A violation is a cursor that the lineage rule accepts although the history behind it
differs. Disks, trimming, clocks and what a board says are not modelled.

`python -m tests.models.opening` looks at the larger ones too (about a minute).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

File = tuple[int, ...]


class State(NamedTuple):
    """`stream` is what the engine has, `opened` for which of its processes it was opened, `live` which that is now.
    `under_way` are the answers that a node has not read yet. `shown` is every history that somebody was ever shown and
    that stands in no file any more."""

    stream: File
    opened: int
    live: int
    files: tuple[File, ...]
    under_way: tuple[int | None, ...]
    made: int = 0
    lost: int = 0
    openings: int = 0
    shown: frozenset[File] = frozenset()


@dataclass(frozen=True)
class Model:
    """How much may happen, and by which rules: `new_epoch` says that an opening appends a base record, `fence` that the
    engine takes nothing unless it was opened for the process that it is."""

    nodes: int = 2
    records: int = 3
    restarts: int = 2
    openings: int = 2
    new_epoch: bool = True
    fence: bool = True

    def find(self) -> tuple[int, list[str]]:
        """How many states there are, and the shortest way to a violation; empty where there is none."""
        first = State((), 1, 1, ((),) * self.nodes, (None,) * self.nodes)
        seen: dict[State, tuple[State, str] | None] = {first: None}
        queue = deque([first])
        while queue:
            state = queue.popleft()
            if is_broken(state):
                return len(seen), way_to(state, seen)
            for label, after in self.steps(state):
                if after not in seen:
                    seen[after] = (state, label)
                    queue.append(after)
        return len(seen), []

    def steps(self, state: State) -> Iterator[tuple[str, State]]:
        if state.lost < self.restarts:
            for kept in range(len(state.stream) + 1):
                label = f"the engine restarts with {kept} of {len(state.stream)}"
                lost = state.lost + 1
                yield label, state._replace(stream=state.stream[:kept], live=state.live + 1, lost=lost)
        for node in range(self.nodes):
            for label, after in self.steps_of(node, state):
                yield f"{'ABC'[node]} {label}", after

    def steps_of(self, node: int, state: State) -> Iterator[tuple[str, State]]:
        file, answer, stream = state.files[node], state.under_way[node], state.stream
        closed = self.fence and state.opened != state.live
        if answer is not None:
            yield f"reads its answer, commits {answer}, 201", changed(state, node, (*file, answer))
            yield "gives its answer up (unknown)", changed(state, node, file)
            return
        if stream[: len(file)] != file:
            yield "is forked, told, copies", changed(state, node, stream)._replace(shown=state.shown | {file})
        elif len(stream) > len(file):
            yield f"applies {stream[len(file)]}", changed(state, node, stream[: len(file) + 1])
        elif not closed and state.made < self.records:
            made = state.made + 1
            appended = changed(state, node, file, made)
            yield f"appends {made}", appended._replace(stream=(*stream, made), made=made)
        elif closed and state.openings < self.openings:
            yield "opens it", self.opened(state, stream)
        if closed and state.openings < self.openings:
            yield "is where a person recovers", self.opened(state, file)

    def opened(self, state: State, stream: File) -> State:
        openings = state.openings + 1
        base = (-openings,) if self.new_epoch else ()
        return state._replace(stream=stream + base, opened=state.live, openings=openings)


def changed(state: State, node: int, file: File, answer: int | None = None) -> State:
    files, under_way = list(state.files), list(state.under_way)
    files[node], under_way[node] = file, answer
    return state._replace(files=tuple(files), under_way=tuple(under_way))


def epoch(file: File) -> int:
    return next((record for record in reversed(file) if record < 0), 0)


def last_of(file: File, wanted: int) -> int | None:
    """How far a cursor of that epoch is good in the file; None where the epoch is not in its past."""
    if wanted and wanted not in file:
        return None
    start = file.index(wanted) + 1 if wanted else 0
    return next((place for place in range(start, len(file)) if file[place] < 0), len(file))


def is_broken(state: State) -> bool:
    histories = {*state.files, *state.shown}
    for read in histories:
        for here in histories:
            last = last_of(here, epoch(read))
            if last is not None and read[: min(len(read), last)] != here[: min(len(read), last)]:
                return True
    return False


def way_to(state: State, seen: dict[State, tuple[State, str] | None]) -> list[str]:
    labels = []
    while (before := seen[state]) is not None:
        state, label = before
        labels.append(label)
    return labels[::-1]


SMALL = Model(records=2)
LARGER = Model(), Model(nodes=3, records=2, restarts=1), Model(nodes=3)
BROKEN = replace(SMALL, new_epoch=False), replace(SMALL, fence=False)

if __name__ == "__main__":
    for model in (SMALL, *LARGER, *BROKEN):
        count, way = model.find()
        print(f"{model}: {count} states, " + ("a violation:" if way else "none"))
        print("".join(f"  {number} {label}\n" for number, label in enumerate(way, 1)), end="")
