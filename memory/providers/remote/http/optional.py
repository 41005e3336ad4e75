"""Fields of a request that not every provider knows: sent until they are refused, then left out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from memory.providers.base import ProviderRefusedError

T = TypeVar("T")

UNKNOWN_FIELD: Final = frozenset({400, 422})  # how a field that isn't known is refused


class OptionalFields:
    """Remembers which of the fields `names` a provider takes; the first named are given up first.

    A field that was taken once is not doubted any more: a later refusal has another reason.
    """

    def __init__(self, *names: str) -> None:
        self._names: Sequence[str] = names
        self._taken: frozenset[str] = frozenset()
        self._refused: frozenset[str] = frozenset()

    def ask(self, body: Mapping[str, Any], send: Callable[[dict[str, Any]], T]) -> T:
        """What `send` answers to the body, with as many of the optional fields as are taken.

        Raises what `send` raises to the whole body, when it refuses the body without them as well.
        """
        present = [name for name in self._names if name in body and name not in self._refused]
        doubted = [name for name in present if name not in self._taken]
        refusal: ProviderRefusedError | None = None
        for given_up in range(len(doubted) + 1):
            without = self._refused | set(doubted[:given_up])
            try:
                answer = send({name: value for name, value in body.items() if name not in without})
            except ProviderRefusedError as problem:
                refusal = refusal or problem
                if problem.status not in UNKNOWN_FIELD:
                    raise
                continue
            self._taken |= {name for name in present if name not in without}
            self._refused = without
            return answer
        assert refusal is not None
        raise refusal
