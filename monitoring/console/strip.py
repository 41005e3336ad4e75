"""What a page says first: a verdict in a word and a sentence, and figures with what changed."""

from __future__ import annotations

from dataclasses import dataclass, field

from monitoring.console.figures import Measured

NONE = "\N{EN DASH}"


@dataclass(frozen=True, slots=True)
class Verdict:
    word: str
    sentence: str
    since: str = ""


@dataclass(frozen=True, slots=True)
class Delta:
    """The change in words. Only a bad one has a tone."""

    text: str
    icon: str = ""
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Kpi:
    key: str
    label: str
    value: str
    delta: Delta
    panel: str  # the id of the panel that shows more; empty where none does
    unit: str = ""
    series: Measured = field(default_factory=list)
    colour: str = "c-main"
