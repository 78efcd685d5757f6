"""The parser of user agents and the rules of user-agents, without what nobody here needs of them.

The parser remembers no user agent. Building it takes 150 ms and 13 MB, at the first use: commands
that take no events never pay that.
"""

import sys
from functools import lru_cache
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ua_parser
    from ua_parser.core import Matcher

# Makes of devices whose rules matter to what a visitor holds, or to who is a robot; and the generic
# ones, which find for all other phones that they are phones. The remaining rules (nine in ten) only
# name a maker and a model, which nobody asks for.
_MAKES = ("Spider", "Apple", "Amazon", "BlackBerry", "Generic")


@lru_cache(maxsize=1)
def parser() -> "ua_parser.Parser":
    """Return the parser; its text must be valid Unicode, without lone surrogates."""
    import ua_parser  # noqa: PLC0415 - see above
    from ua_parser.lazy import DeviceMatcher  # noqa: PLC0415 - see above

    browsers, systems, devices = ua_parser.load_lazy_builtins()
    wanted: list[Matcher[ua_parser.Device]] = [
        rule
        for rule in devices
        if isinstance(rule, DeviceMatcher) and (rule.brand or "").startswith(_MAKES)
    ]
    # The package's own parser would remember 2,000 user agents out of our sight.
    resolver = ua_parser.BestAvailableResolver((browsers, systems, wanted))
    ua_parser.parser = ua_parser.Parser(resolver)
    return ua_parser.parser


@lru_cache(maxsize=1)
def rules() -> ModuleType:
    """Return the module `user_agents.parsers`, whose classes tell phones from tablets.

    It imports a second parser, 1,270 expressions that take 330 ms to compile. Nothing here calls
    that one, so an empty module stands in for it while the rules are imported.
    """
    unused = "ua_parser.user_agent_parser"
    stand_in = sys.modules.setdefault(unused, ModuleType(unused))
    try:
        from user_agents import parsers  # noqa: PLC0415 - see above
    finally:
        if not vars(stand_in).get("__file__"):
            del sys.modules[unused]
    found: ModuleType = parsers
    return found
