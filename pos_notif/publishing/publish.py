"""Publishing: drafts become events of the log, by this configuration's rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..log.live import LiveLog
from ..principal import Principal
from .append import Moment, Rules
from .publication import Publication, Published, Publisher
from .rehearsal import Rehearsal

PUBLISH_ROUTE = "eventos"


class Publishing:
    """The log, and the rules by which its events are completed. Everything that appends to the log is given one."""

    def __init__(self, log: LiveLog) -> None:
        self.log = log
        self._rules = Rules(log.zone, log.config.tax_rate, log.limits)

    def moment(self) -> Moment:
        """Returns now, by these rules, for what is to be appended."""
        return Moment.of(self.log.clocks.now(), self._rules)

    async def publish(
        self,
        drafts: Sequence[dict[str, Any]],
        *,
        publisher: Publisher,
        key: str | None = None,
        batch: bool = False,
        route: str = PUBLISH_ROUTE,
        who: Principal | None = None,
    ) -> Published:
        """Appends valid drafts, all or none. `who` is whose session or token publishes, if any. Raises the errors of
        the order rules, KeyReused, NotAuthenticated or LogUnavailable."""
        publication = Publication(
            drafts, publisher=publisher, route=route, moment=self.moment(), key=key, batch=batch
        )  # fmt: skip
        published = await self.log.transact(publication.append_to, who)
        self.log.counts.duplicates += sum(published.duplicates)
        return published

    async def rehearse(
        self,
        drafts: Sequence[dict[str, Any]],
        *,
        publisher: Publisher,
        key: str | None = None,
        batch: bool = False,
        who: Principal | None = None,
    ) -> Rehearsal:
        """Returns what `publish` would append now. No id is used for it, nobody hears of it, nothing is kept. Raises
        what `publish` would."""
        publication = Publication(
            drafts, publisher=publisher, route=PUBLISH_ROUTE, moment=self.moment(), key=key, batch=batch
        )  # fmt: skip
        return await self.log.rehearse(lambda transaction: Rehearsal.of(publication, transaction), who)
