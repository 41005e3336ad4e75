"""Tells which statements are the same but for their values, and takes every value out of what is kept of them."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from typing import Final

DIGEST_BYTES: Final = 8
TEMPLATE_LIMIT: Final = 10_000  # characters of a template that are kept
READ_LIMIT: Final = 40_000  # characters of a statement that are looked at
KNOWN: Final = 256  # statements whose fingerprint a process remembers
VALUE: Final = "%s"

# One pass, so that a quote in a comment and a comment in a quote are what they are.
_TOKENS: Final = re.compile(
    r"""
    (?P<space>\s+)
  | (?P<name>[^\W\d]\w*+(?!['&]) | "[^"]*+(?:""[^"]*+)*+(?:"|\Z))
  | (?P<value>%s|%b|%t|%\(\w+\)[sbt]|\$\d+)
  | (?P<number>-?(?:0[xXoObB][\da-fA-F_]+|\d[\d_]*(?:\.[\d_]*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?))
  | (?P<text>[eE]'[^'\\]*+(?:(?:\\.|'')[^'\\]*+)*+(?:'|\Z) | (?:[uU]&|[bBxXnN])?'[^']*+(?:''[^']*+)*+(?:'|\Z)
      | \$(?P<tag>[^\W\d]\w*|)\$.*?(?:\$(?P=tag)\$|\Z))
  | (?P<comment>--[^\n]*|/\*.*?(?:\*/|\Z))
  | (?P<percent>%%)
    """,
    re.VERBOSE | re.DOTALL,
)
_TYPED: Final = re.compile(r"\b(interval|timestamptz|timestamp|date|time) ?%s", re.IGNORECASE)
_SAVEPOINT: Final = re.compile(r'"?\bs\d{6,}_x\d+"?')  # Django names each anew
_ITEM: Final = r"(?:%s|-?\d{1,2}\b)(?:::\w+)?"
_LIST: Final = re.compile(rf"(\bIN ?\(|\bARRAY ?\[) ?{_ITEM}(?: ?, ?{_ITEM})+ ?([)\]])", re.IGNORECASE)
_ROWS: Final = re.compile(r"(\((?:[^()]|\([^()]{0,200}\)){1,2000}+\))(?: ?, ?\1)+")
_WHENS: Final = re.compile(r"(\bWHEN\b(?:(?!\bWHEN\b|\bELSE\b|\bEND\b).)+)(?:\1)+", re.IGNORECASE)
_PLAIN_NAME: Final = re.compile(r'"([a-z_][a-z0-9_]*)"')
_NUMBER: Final = re.compile(r"(?<![\w$.])-?\d{1,2}\b")
_SPACED: Final = re.compile(r" ?([(),=<>]) ?")


def template(statement: str) -> str:
    """The statement without its values: each is `%s`, long lists and repeated rows are short, comments are gone.

    Numbers of up to two digits stay where they are written out: they are positions and limits, and name nobody.
    """
    text = _TOKENS.sub(_without_value, statement[:READ_LIMIT])
    text = re.sub(" {2,}", " ", _SAVEPOINT.sub("savepoint", text)).strip().rstrip("; ")
    text = _TYPED.sub(rf"{VALUE}::\1", text)
    text = _LIST.sub(rf"\1{VALUE}, {VALUE}\2", text)
    text = _WHENS.sub(r"\1", _ROWS.sub(r"\1", text))
    return text if len(text) <= TEMPLATE_LIMIT else f"{text[: TEMPLATE_LIMIT - 1]}…"


def fingerprint(statement: str) -> str:
    """The same for statements that differ in values, lengths of lists, spaces, comments and case of words alone."""
    return of_template(template(statement))


@lru_cache(KNOWN)
def both(statement: str) -> tuple[str, str]:
    """The fingerprint and the template of a statement; those that a process met lately cost nothing."""
    text = template(statement)
    return of_template(text), text


def of_template(text: str) -> str:
    text = _NUMBER.sub(VALUE, _PLAIN_NAME.sub(r"\1", text))
    text = _ROWS.sub(r"\1", _LIST.sub(rf"\1{VALUE}\2", text))
    return hashlib.blake2b(
        _SPACED.sub(r"\1", text).lower().encode(errors="replace"), digest_size=DIGEST_BYTES
    ).hexdigest()


def numbered(text: str) -> str:
    """A template with `$1`, `$2`… in place of its values, as PostgreSQL and parsers read them."""
    parts = text.split(VALUE)
    numbers = (f"${n}" for n in range(1, len(parts)))
    return "".join(part for pair in zip(parts, (*numbers, ""), strict=True) for part in pair).replace("%%", "%")


def _without_value(found: re.Match[str]) -> str:
    kind = found.lastgroup
    if kind == "name":
        return found[0]
    if kind in {"space", "comment"}:
        return " "
    if kind == "number":
        return (
            found[0] if len(found[0].lstrip("-")) <= 2 and found[0][-1].isdecimal() and "." not in found[0] else VALUE
        )
    return found[0] if kind == "percent" else VALUE
