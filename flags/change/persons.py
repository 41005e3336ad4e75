"""Who changes flags, and how far they may: a signed-in user, an API key, somebody at the shell, or the house itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, PermissionsMixin

from flags.errors import NotAllowedError

ADMIN: Final = "admin"  # the scope of keys that may change flags


@dataclass(frozen=True, slots=True)
class Person:
    """`may_approve` is for locked flags, and for agreeing to what others propose. The house is asked for neither."""

    name: str
    may_change: bool
    may_approve: bool
    is_system: bool = False

    @classmethod
    def of_user(cls, user: AbstractBaseUser | PermissionsMixin | AnonymousUser) -> Person:
        may = getattr(user, "has_perm", lambda _: False)
        name = user.get_username() if isinstance(user, AbstractBaseUser | AnonymousUser) else str(user)
        return cls(name, may("flags.change_flag"), may("flags.approve_flag"))

    @classmethod
    def of_key(cls, name: str, scope: str) -> Person:
        return cls(name, scope == ADMIN, scope == ADMIN)

    @classmethod
    def at_shell(cls, name: str) -> Person:
        """Whoever runs commands on the machine could write the rows as well."""
        return cls(name, may_change=True, may_approve=True)

    def require_change(self) -> None:
        if not (self.may_change or self.is_system):
            raise NotAllowedError(
                f"{self.name or 'You'} may look at flags, not change them. Ask an operator, or use a key with "
                f"scope {ADMIN}."
            )

    def require_approve(self, what: str) -> None:
        """`what` is the sentence's beginning, such as "enhanced_prompts is locked"."""
        if not (self.may_approve or self.is_system):
            raise NotAllowedError(f"{what}: only an admin may do this. Ask one of them.")


GUARD: Final = Person("guard", may_change=True, may_approve=True, is_system=True)
PLAN: Final = Person("plan", may_change=True, may_approve=True, is_system=True)
SEED: Final = Person("seed", may_change=True, may_approve=True, is_system=True)
