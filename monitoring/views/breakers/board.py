"""The breakers page: a card for each dependency, worst first, and the chosen one's failures, limits and history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.urls import reverse

from monitoring import breakers
from monitoring.breakers import State, Transition, View
from monitoring.console import charts
from monitoring.console.charts import Chart, Line, percents
from monitoring.console.figures import shares
from monitoring.formats import age, clock, duration, number, percent, period
from monitoring.metrics import read
from monitoring.metrics.read import Span

WORDS = {
    State.OPEN: "Open",
    State.HALF_OPEN: "Half-open",
    State.FORCED_OPEN: "Forced open",
    State.METRICS_ONLY: "Shadow",
    State.CLOSED: "Closed",
    State.DISABLED: "Disabled",
}
NEED = list(WORDS)  # cards in the order of need
BARS = {
    State.OPEN: "open",
    State.HALF_OPEN: "half",
    State.FORCED_OPEN: "forced",
    State.DISABLED: "disabled",
    State.METRICS_ONLY: "disabled",
    State.CLOSED: "closed",
}
TONES = {State.OPEN: "crit", State.HALF_OPEN: "warn", State.FORCED_OPEN: "hand"}
HISTORY = 8
STANDS = timedelta(seconds=90)  # a range that ended longer ago stands still


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch of the timeline: the class that draws it, and its share of the whole."""

    css: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Act:
    """A button: where it asks, its words, and why it can't be pressed, if it can't."""

    href: str
    words: str
    refused: str


@dataclass(frozen=True, slots=True)
class Card:
    """A breaker as the page shows it."""

    view: View
    word: str
    share: float  # percent that failed
    limit: float  # percent that trips it; 0 where only failures in a row do
    bars: list[Bar]
    story: str  # the timeline in a sentence
    now: datetime
    may_act: bool

    @property
    def name(self) -> str:
        return self.view.name

    @property
    def turn(self) -> float:
        """Where the notch of the limit stands on the ring, in degrees."""
        return self.limit * 3.6

    @property
    def lasted(self) -> str:
        return age((self.now - self.view.since).total_seconds()) if self.view.since else ""

    @property
    def brief(self) -> str:
        """What is to be said of it in a few words."""
        if override := self.view.override:
            return f"by {override.actor}, to {clock(override.until)}"
        if self.view.state is State.OPEN:
            return f"probe in {self.view.retry_after_s:.0f} s"
        if self.view.state is State.HALF_OPEN:
            return f"{self.view.probes_passed} of {self.view.policy.successes} probes passed"
        return f"{self.word.lower()} for {self.lasted}" if self.lasted else "never opened"

    @property
    def cooled(self) -> float:
        """Percent of the open time that has passed."""
        open_s = max(self.view.open_s, self.view.retry_after_s, 0.001)
        return 100 * (1 - self.view.retry_after_s / open_s)

    @property
    def probed(self) -> float:
        return 100 * self.view.probes_passed / self.view.policy.successes

    @property
    def has_calls(self) -> bool:
        return bool(self.view.ok or self.view.failed)

    @property
    def acts(self) -> list[Act]:
        """What may be done to it, most likely first."""
        if self.view.override is not None:
            return [self._act("end", "End override"), *([self._act("disable", "Disable")] if self._trips else [])]
        is_closed = self.view.state is State.CLOSED
        reset = self._act("reset", "Reset", "It is closed already" if is_closed else "")
        return [reset, self._act("open", "Force open"), self._act("disable", "Disable")]

    @property
    def _trips(self) -> bool:
        return self.view.state is State.FORCED_OPEN

    def _act(self, act: str, words: str, refused: str = "") -> Act:
        refused = refused or ("" if self.may_act else "Only operators may do this")
        return Act(reverse("breaker-act", args=[self.name, act]), words, refused)


@dataclass(frozen=True, slots=True)
class Step:
    """A line of what happened."""

    word: str
    at: datetime
    why: str


@dataclass(frozen=True, slots=True)
class Detail:
    """The chosen breaker."""

    card: Card
    chart: Chart
    log: list[Step]
    rules: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Page:
    range: str
    period: str
    start: datetime
    end: datetime | None  # None where it is now
    cards: list[Card]
    sentence: str
    chosen: Detail | None
    is_shared: bool


def compose(range_name: str, *, chosen: str, may_act: bool, now: datetime) -> Page:
    """All breakers in the range; `chosen` names the one with details, else the first has them."""
    span = read.span(range_name, now=now)
    end = now if now - span.end < STANDS else span.end
    start = end - (span.end - span.start)
    views = sorted(breakers.overview(now), key=lambda view: (NEED.index(view.state), view.title))
    cards = [card(view, start=start, end=end, may_act=may_act, now=now) for view in views]
    picked = next((card for card in cards if card.name == chosen), cards[0] if cards else None)
    return Page(
        range=range_name,
        period=period(range_name),
        start=start,
        end=None if end == now else end,
        cards=cards,
        sentence=sentence(views),
        chosen=detail(picked, span, start, end) if picked else None,
        is_shared=all(view.shared for view in views),
    )


def sentence(views: Sequence[View]) -> str:
    """How many there are, and how many in which state, worst first."""
    if not views:
        return "no dependency has a breaker yet"
    counted = [(sum(view.state is state for view in views), word.lower()) for state, word in WORDS.items()]
    noun = "dependency" if len(views) == 1 else "dependencies"
    return f"{len(views)} {noun}: {', '.join(f'{n} {word}' for n, word in counted if n)}"


def card(view: View, *, start: datetime, end: datetime, may_act: bool, now: datetime) -> Card:
    stretches = breakers.timeline(view.name, start, end)
    limit = view.policy.failure_rate
    return Card(
        view=view,
        word=WORDS[view.state],
        share=100 * view.failure_rate,
        limit=100 * limit if limit is not None else 0,
        bars=[Bar(BARS[state], seconds) for state, seconds in stretches],
        story=story(stretches),
        now=now,
        may_act=may_act,
    )


def story(stretches: Sequence[tuple[State, float]]) -> str:
    """The timeline in words: what was when is heard as well as seen."""
    if len(stretches) <= 1:
        return f"{WORDS[stretches[0][0]] if stretches else 'Closed'} for the whole range"
    return ", then ".join(f"{WORDS[state].lower()} for {age(seconds)}" for state, seconds in stretches).capitalize()


def detail(card: Card, span: Span, start: datetime, end: datetime) -> Detail:
    steps = [Step(*told(transition), transition.reason) for transition in breakers.history(card.name, HISTORY)]
    return Detail(card, chart(card, span, start, end), steps, rules(card.view))


def told(transition: Transition) -> tuple[str, datetime]:
    return WORDS[State(transition.after)], transition.at


def rules(view: View) -> list[tuple[str, str]]:
    """The policy in words."""
    policy = view.policy
    trips = []
    if policy.failure_rate is not None:
        trips.append(f"{percent(policy.failure_rate)} failed in {duration(policy.window_s)}")
    if policy.slow_rate is not None and policy.slow_s is not None:
        trips.append(f"{percent(policy.slow_rate)} over {duration(policy.slow_s)}")
    if policy.consecutive is not None:
        trips.append(f"{policy.consecutive} failures in a row")
    said = [
        ("Trips over", ", or ".join(trips)),
        ("Needs at least", f"{number(policy.minimum_calls)} calls"),
        ("Cool-down", f"{duration(policy.open_s)}, up to {duration(policy.open_limit_s)}"),
        ("Closes after", f"{policy.successes} passed probes"),
    ]
    return [*said, ("While open", view.fallback_text)] if view.fallback_text else said


def chart(card: Card, span: Span, start: datetime, end: datetime) -> Chart:
    """Shares of calls that failed and that were slow, with the time that was not spent closed."""
    names = {what: f"breaker.{card.name}.{what}" for what in ("ok", "failed", "slow")}
    counts = read.counts(list(names.values()), span)
    ok, failed, slow = (counts[names[what]] for what in ("ok", "failed", "slow"))
    calls = [good + bad for good, bad in zip(ok, failed, strict=True)]
    lines = [
        Line("failures", percents(shares(failed, calls)), " %", "crit", {"width": 2, "fill": "tozeroy", "alpha": 0.1}),
        Line("slow", percents(shares(slow, calls)), " %", "c-2", {"width": 1.5, "dash": "2px,2px"}, "dot"),
    ]
    spec: dict[str, Any] = {"unit": " %", "least": 10, "spans": _spans(card, start, end)}
    if card.limit:
        spec["limits"] = [{"y": card.limit, "text": f"limit {percent(card.limit / 100)}", "tone": "t1"}]
    last = lines[0].now
    label = f"{card.view.title}: {last} of calls fail{f', limit {card.limit:g} %' if card.limit else ''}."
    texts = (card.view.title, f"calls, {duration(card.view.policy.window_s)} window", label, "", "No call")
    return charts.chart("failures", texts, span, lines, spec=spec)


def _spans(card: Card, start: datetime, end: datetime) -> list[dict[str, str]]:
    spans, at = [], start
    for bar, (state, seconds) in zip(card.bars, breakers.timeline(card.name, start, end), strict=False):
        until = at + timedelta(seconds=seconds)
        if state in TONES and bar.seconds:
            moments = {"from": f"{at:%Y-%m-%dT%H:%M:%SZ}", "to": f"{until:%Y-%m-%dT%H:%M:%SZ}"}
            spans.append({**moments, "tone": TONES[state], "text": WORDS[state].lower()})
        at = until
    return spans
