"""Who asks: a person who is logged in, a program with a key, or nobody; and what they may do."""

from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field

from collector.control import Site
from collector.people.accounts import ALL_SITES, Role, User
from collector.people.api_keys import ApiKey
from collector.people.logins import Login
from dashboard.words.languages import say


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, as the gate has found out.

    Args:
        roles: what they are to each site, by its id; 0 is all of them.
        site: the site that the address names, if they may look at it.
        alone: there is no more than one site that they may look at.
        barred: sites that they might look at from elsewhere; 0 is all of them.
    """

    login: Login | None = None
    key: ApiKey | None = None
    roles: Mapping[int, Role] = field(default_factory=dict)
    site: Site | None = None
    alone: bool = False
    barred: frozenset[int] = frozenset()

    @property
    def user(self) -> User | None:
        """The account they came by."""
        if self.login is not None:
            return self.login.user
        return None if self.key is None else self.key.user

    @property
    def name(self) -> str:
        """What the audit log calls them."""
        user = self.user
        return "" if user is None else user.email

    @property
    def sees_all(self) -> bool:
        """Tell whether they decide about all sites."""
        return self.may(Role.OWNER, ALL_SITES)

    @property
    def edits(self) -> bool:
        """Tell whether they are an editor of the site that the address names, or more."""
        return self.site is not None and self.may(Role.EDITOR, self.site.id)

    @property
    def owns(self) -> bool:
        """Tell whether they are an owner of the site that the address names."""
        return self.site is not None and self.may(Role.OWNER, self.site.id)

    def role(self, site: int) -> Role | None:
        """Return what they are to a site: the most of what they are to it and to all."""
        if self.key is not None and self.key.sites and site not in self.key.sites:
            return None
        if not self.barred.isdisjoint((site, ALL_SITES)):
            return None
        held = [self.roles[each] for each in (site, ALL_SITES) if each in self.roles]
        return next((role for role in held if all(map(role.includes, held))), None)

    def may(self, least: Role, site: int) -> bool:
        """Tell whether they are that, or more, to a site."""
        role = self.role(site)
        return role is not None and role.includes(least)

    def sees(self, sites: Iterable[Site]) -> tuple[Site, ...]:
        """Return the sites that they may look at."""
        return tuple(site for site in sites if self.role(site.id) is not None)


def role_name(role: Role) -> str:
    """Return what a role is called on the page at hand."""
    names = {
        Role.VIEWER: say("viewer"),
        Role.EDITOR: say("editor"),
        Role.OWNER: say("owner"),
    }
    return names[role]


NOBODY = Asker()
_asking: ContextVar[Asker] = ContextVar("asking", default=NOBODY)


def who_asks() -> Asker:
    """Return who sent the request that is being answered."""
    return _asking.get()


def answering(asker: Asker) -> None:
    """Note who sent the request that is being answered; done by the gate alone."""
    _asking.set(asker)
