"""One field of a form, as templates/parts/field.html writes it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a form, with what is wrong with it, and what would be right."""

    name: str
    label: str
    value: str = ""
    kind: str = ""  # select, area, check, or a type of input
    hint: str = ""
    unit: str = ""
    example: str = ""
    options: tuple[tuple[str, str], ...] = ()
    list: tuple[str, ...] = ()
    width: str = ""
    rows: int = 3
    most: int = 300
    least: int = 0
    step: str = "any"
    minimum: str = ""
    is_first: bool = False  # where the page's focus begins
    waits: str = ""  # the id of the button that waits for `least` characters
    again: str = ""  # the address of the dialog, to be asked anew once another value is chosen
    problem: str = ""
    suggestion: str = ""
