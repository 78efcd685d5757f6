"""Looks up how much is held of a visitor's day, where the operator allows that."""

import logging
from collections.abc import Callable, Sequence

from starlette.concurrency import run_in_threadpool

from collector.held import Held, LookUp, Today
from collector.keys import KeyStoreError
from collector.request import Scope
from collector.session import StoreError
from collector.store import Store

_LOG = logging.getLogger("gatecount.lookup")
_LIMIT_S = 2.0  # a look at all of today's events takes some hundredths of one


def look_up(store: Store, visitors_of: Callable[[Scope], Sequence[Today] | None]) -> LookUp:
    """Return what looks up; `visitors_of` tells whom a request may be, None if asked too often."""

    async def held(scope: Scope) -> Sequence[Held] | None:
        try:
            visitors = visitors_of(scope)
            if visitors is None:
                return None
            return await run_in_threadpool(_counts, store, visitors)
        except (KeyStoreError, StoreError):
            _LOG.exception("look_up_refused")
            return None

    return held


def _counts(store: Store, visitors: Sequence[Today]) -> list[Held]:
    """Return what is held, of the sites of which anything is. Blocks."""
    domains = {each.site: each.domain for each in visitors}
    with store.snapshot(_LIMIT_S) as session:
        rows = session.run(
            "held_today",
            sites=[each.site for each in visitors],
            dates=[each.date for each in visitors],
            tokens=[str(each.token) for each in visitors],  # as numbers they would be signed
        )
    return [Held(domains[site], *counts) for site, *counts in rows]
