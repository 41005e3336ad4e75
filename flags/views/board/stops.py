"""The stops of a flag's stage bar: the shares that its plan climbs, or the usual ones."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from flags.views.board.words import share

USUAL: Final = tuple(Decimal(percent) for percent in (0, 1, 10, 25, 50, 100))
HERE: Final = '<li aria-current="true">{}<span class="sr"> percent</span></li>'
BARRED: Final = "<li>{}</li>"
ASKS: Final = '<li><a href="{0}" id="stop-{1}-{2}" hx-get="{0}"{3} aria-label="Set {4} to {5} percent">{5}</a></li>'
# what lowers is done at once, and undone as fast; the slider asks all the same
LOWERS: Final = (
    '<li><button type="submit" form="flag-now" id="stop-{1}-{2}" formaction="{6}share/?version={7}" name="percent" '
    'value="{5}" data-ask="{0}"{3} aria-label="Lower {4} to {5} percent">{5}</button></li>'
)
MOST: Final = 8  # more stand too close
BAR: Final = USUAL[1:]  # the five ticks of a summary


@dataclass(frozen=True, slots=True)
class Stop:
    """One of them: `href` asks for it, and is empty where the flag stands."""

    percent: Decimal
    href: str

    @property
    def text(self) -> str:
        return share(self.percent)


@dataclass(frozen=True, slots=True)
class Stops:
    """All of them at equal distances; `at` is the place of the one where the flag stands."""

    listed: tuple[Stop, ...]
    at: int

    @property
    def last(self) -> int:
        return len(self.listed) - 1

    @property
    def written(self) -> tuple[str, str]:
        """The place of where the flag stands, and of the last."""
        return str(self.at), str(self.last)

    @property
    def before(self) -> Stop | None:
        return self.listed[self.at - 1] if self.at else None

    @property
    def after(self) -> Stop | None:
        return self.listed[self.at + 1] if self.at < self.last else None


def stops(path: str, now_at: Decimal, planned: Iterable[Decimal] = ()) -> Stops:
    """Of a flag whose address is `path` and that stands at `now_at`, which is always one of them."""
    shares = thinned(sorted({Decimal(0), Decimal(100), now_at, *(set(planned) or USUAL)}), now_at)
    listed = (Stop(each, "" if each == now_at else f"{path}share/?percent={share(each)}") for each in shares)
    return Stops(tuple(listed), shares.index(now_at))


def drawn(found: Stops, name: str, key: str, path: str, version: int, *, is_barred: bool) -> SafeString:
    """The stops of one line as a list: buttons that lower the share at once, and links that ask before it rises.

    Plain words where the flag stands, and for who may not change it.

    Written here since a page has hundreds of them, and a template takes ten times as long.
    """
    marks = {found.at - 1: SafeString(' data-key="["'), found.at + 1: SafeString(' data-key="]"')}
    parts = (
        format_html(HERE if at == found.at else BARRED, stop.text)
        if is_barred or at == found.at
        else format_html(
            LOWERS if at < found.at else ASKS, stop.href, key, at, marks.get(at, ""), name, stop.text, path, version
        )
        for at, stop in enumerate(found.listed)
    )
    return format_html_join("", "{}", ((part,) for part in parts))


def thinned(shares: list[Decimal], kept: Decimal) -> list[Decimal]:
    """At most MOST: the ends, the one where the flag stands, and those that are nearest to it."""
    at = shares.index(kept)
    near = sorted(range(len(shares)), key=lambda i: (i not in {0, at, len(shares) - 1}, abs(i - at)))[:MOST]
    return [shares[i] for i in sorted(near)]


def lit(now_at: Decimal) -> tuple[bool, ...]:
    """Which ticks of the summary's bar are on."""
    return tuple(now_at >= stop for stop in BAR)
