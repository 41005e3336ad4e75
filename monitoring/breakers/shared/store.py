"""The way to the shared state: one script call per question, bounded in time, and no waiting while Redis is away."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import redis
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError
from redis.retry import Retry

from monitoring.breakers.policy import State

T = TypeVar("T")

SCRIPT: Final = Path(__file__).with_name("state.lua").read_text()
# One hash slot for all keys, so that the script may touch them in a cluster too
PREFIX: Final = "{breakers}"
REGISTERED, MEMBERS, LOG = f"{PREFIX}:registered", f"{PREFIX}:members", f"{PREFIX}:log"
TIMEOUT_S: Final = 0.05
PAUSE_S: Final = 0.25  # between two tries while Redis is away
CONNECTIONS: Final = 16
# Not the module's own generator: forked processes would draw alike, and tests that seed it would notice
CHANCE: Final = random.SystemRandom()

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ask:
    """One call of the script: what to do with which breaker, and the version that the asker knows."""

    op: str
    name: str
    version: int
    card: str = ""  # JSON of title, policy and whether it is a family's member; "" to use what the store knows
    is_member: bool = False
    args: tuple[str | int | float, ...] = ()

    @property
    def keys(self) -> tuple[str, str, str]:
        return f"{PREFIX}:{self.name}", MEMBERS if self.is_member else REGISTERED, LOG

    def argv(self, jitter: float) -> tuple[str | int | float, ...]:
        return (self.op, self.name, self.version, self.card, jitter, *self.args)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the script answered. Durations are what is left, so that nobody's clock has to agree with Redis'."""

    state: State
    version: int
    left_s: float
    core: State
    opens: int
    open_s: float
    is_granted: bool
    mode: str
    mode_id: str
    mode_left_s: float
    actor: str
    reason: str
    figures: tuple[Any, ...] = ()


class BehindError(Exception):
    """The store has lost what the asker knows: it was flushed, or failed over to an older replica."""


class UnknownBreakerError(LookupError):
    """No process has a breaker of that name, and no card was sent with the question."""


class AwayError(Exception):
    """Redis gave no answer, or is not asked because it gave none a moment ago."""


class Store:
    """Asks Redis. After an error it is away for all but scouts (the keeper), so that no call pays for the timeout."""

    def __init__(
        self,
        url: str,
        *,
        script: str = SCRIPT,
        timeout_s: float = TIMEOUT_S,
        jitter: Callable[[], float] = CHANCE.random,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.client = redis.Redis.from_url(
            url,
            socket_timeout=timeout_s,
            socket_connect_timeout=timeout_s,
            retry=Retry(NoBackoff(), 0),
            max_connections=CONNECTIONS,
        )
        self._script = self.client.register_script(script)
        self._text = script
        self.jitter = jitter
        self._clock = clock
        self._away_since: float | None = None
        self._try_at = 0.0

    @property
    def is_away(self) -> bool:
        return self._away_since is not None

    @property
    def away_s(self) -> float:
        """For how long Redis has been away."""
        return 0.0 if self._away_since is None else self._clock() - self._away_since

    def ask(self, ask: Ask) -> Answer:
        """One round trip. Raises AwayError, BehindError, UnknownBreakerError."""
        (answer,) = self.ask_all([ask])
        if isinstance(answer, Exception):
            raise answer
        return answer

    def ask_all(self, asks: Sequence[Ask], *, is_scout: bool = False) -> list[Answer | Exception]:
        """One round trip for all: an answer or the error of each. Only AwayError is raised."""
        if not asks:
            return []
        answers = self.reach(lambda _: self._evaluate(asks), is_scout=is_scout)
        return [read(raw, ask.name) for raw, ask in zip(answers, asks, strict=True)]

    def listed(self, names: str, limit: int = 1000, *, is_scout: bool = False) -> list[str]:
        """The names in REGISTERED or MEMBERS (of which those that are not closed), the latest first."""
        found = self.reach(lambda client: client.zrevrange(names, 0, limit - 1), is_scout=is_scout)
        return [_text(name) for name in found if isinstance(name, (bytes, str))]

    def reach(self, talk: Callable[[redis.Redis], T], *, is_scout: bool = False) -> T:
        """Does anything with Redis under the same rules. Raises AwayError."""
        if self._away_since is not None and not (is_scout and self._clock() >= self._try_at):
            raise AwayError
        try:
            answer = talk(self.client)
        except redis.RedisError as problem:
            self._lose()
            raise AwayError from problem
        if self._away_since is not None:
            self._away_since = None
            logger.info("event=breakers_shared")
        return answer

    def _evaluate(self, asks: Sequence[Ask]) -> list[Any]:
        answers = self._pipeline(asks)
        if any(isinstance(answer, NoScriptError) for answer in answers):
            # those that did not run; the others did, and must not run again
            self.client.script_load(self._text)
            missing = [i for i, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
            for i, answer in zip(missing, self._pipeline([asks[i] for i in missing]), strict=True):
                answers[i] = answer
        for answer in answers:
            if isinstance(answer, redis.RedisError):
                raise answer
        return answers

    def _pipeline(self, asks: Sequence[Ask]) -> list[Any]:
        if len(asks) == 1:
            try:
                return [self.client.evalsha(self._script.sha, 3, *asks[0].keys, *asks[0].argv(self.jitter()))]
            except NoScriptError as problem:
                return [problem]
        with self.client.pipeline(transaction=False) as pipe:
            for ask in asks:
                pipe.evalsha(self._script.sha, 3, *ask.keys, *ask.argv(self.jitter()))
            return pipe.execute(raise_on_error=False)

    def _lose(self) -> None:
        now = self._clock()
        if self._away_since is None:
            self._away_since = now
            logger.warning("event=breakers_alone")
        self._try_at = now + PAUSE_S


def read(raw: list[Any], name: str) -> Answer | Exception:
    """The script's answer as a value, or the error that it told."""
    status = _text(raw[0])
    if status == "behind":
        return BehindError(name)
    if status == "unknown":
        return UnknownBreakerError(f"no breaker is called {name!r}")
    state, version, left, core, opens, open_ms, granted, mode, mode_id, mode_left, actor, reason = raw[1:13]
    return Answer(
        state=State(_text(state)),
        version=version,
        left_s=left / 1000,
        core=State(_text(core)),
        opens=opens,
        open_s=open_ms / 1000,
        is_granted=bool(granted),
        mode=_text(mode),
        mode_id=_text(mode_id),
        mode_left_s=mode_left / 1000,
        actor=_text(actor),
        reason=_text(reason),
        figures=tuple(raw[13:]),
    )


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
