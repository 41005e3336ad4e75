"""`manage.py flags`: look at flags, change them by the rules that the console has, and carry them as a file."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import yaml
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from flags import catalog, change
from flags.change import Person
from flags.change.asked.values import as_kept, plain
from flags.change.write.hold import pin_of, unknown
from flags.errors import FlagError
from flags.models import Flag, FlagChange, Proposal

SHOWN = 10  # changes of one flag


class Command(BaseCommand):
    help = "List, show, change, export and import flags."

    def add_arguments(self, parser: CommandParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True)
        acts.add_parser("list", help="All flags, with the share that has each.")
        acts.add_parser("show", help="One flag and its latest changes.").add_argument("name")
        acts.add_parser("export", help="All flags as YAML.")
        acts.add_parser("seed", help="Make rows for flags of the catalogue that have none.")
        acts.add_parser("stale", help="Flags that somebody should look after.")
        bring = acts.add_parser("import", help="Make the flags as a file says; - reads standard input.")
        bring.add_argument("file")
        bring.add_argument("--check", action="store_true", help="Only compare; ends with 1 where they differ.")
        put = acts.add_parser("set", help="Set the share of units that get a flag.")
        put.add_argument("name")
        put.add_argument("--share", required=True, help="0 to 100, in steps of 0.001.")
        put.add_argument("--version", type=int, dest="seen", help="The version that you saw; else the one now.")
        kill = acts.add_parser("kill", help="Off for everyone, now; also while flags are frozen.")
        kill.add_argument("name")
        for each in (bring, put, kill):
            each.add_argument("--reason", default="", help="Why, in 8 to 500 characters.")
            each.add_argument("--as", dest="actor", default="", help="Who changes; else the system's user.")

    def handle(self, *args: Any, act: str, **options: Any) -> None:
        run: dict[str, Callable[..., None]] = {
            "list": self._list,
            "show": self._show,
            "export": self._export,
            "seed": self._seed,
        }
        run |= {"stale": self._stale, "import": self._import, "set": self._set, "kill": self._kill}
        try:
            run[act](**options)
        except FlagError as error:
            raise CommandError(str(error)) from None

    def _list(self, **_: Any) -> None:
        for flag in Flag.objects.order_by("name"):
            pinned = f"  pinned by {pin_of(flag.name)}" if catalog.pin(flag.name) is not None else ""
            self.stdout.write(f"{_state(flag):<10} {flag.unit:<13} v{flag.version:<5} {flag.name}{pinned}")

    def _show(self, *, name: str, **_: Any) -> None:
        flag = Flag.objects.filter(name=name).first()
        if flag is None:
            raise unknown(name)
        self.stdout.write(f"{name}, version {flag.version}: {_state(flag)}")
        if catalog.pin(name) is not None:
            self.stdout.write(f"pinned by {pin_of(name)} in this process's environment")
        self.stdout.write(yaml.safe_dump(as_kept(flag), sort_keys=False, allow_unicode=True))
        for each in change.history(name, SHOWN):
            said = ", ".join(f"{field} {each.before.get(field)} → {value}" for field, value in each.after.items())
            self.stdout.write(f"{each.at:%Y-%m-%d %H:%M} v{each.version} {each.action} by {each.actor}: {said[:200]}")
            self.stdout.write(f"    {each.reason}")

    def _export(self, **_: Any) -> None:
        self.stdout.write(change.transfer.exported(), ending="")

    def _seed(self, **_: Any) -> None:
        self._say(change.seed(now=timezone.now()), "made {}", "Every flag of the catalogue has its row.")

    def _stale(self, **_: Any) -> None:
        self._say([f"{each.name}: {each.why}" for each in change.stale(timezone.now())], "{}", "None.")

    def _import(self, *, file: str, check: bool, reason: str, actor: str, **_: Any) -> None:
        text = _read(file)
        if not check:
            made = change.transfer.apply(text, by=_person(actor), reason=reason, now=timezone.now())
            self._say([_told(each) for each in made], "{}", "Everything is so already.")
            return
        differences = change.transfer.compared(text)
        self._say(differences, "{}", "No difference.")
        if differences:
            many = "1 difference" if len(differences) == 1 else f"{len(differences)} differences"
            raise CommandError(f"{many} between {file} and this installation.")

    def _set(self, *, name: str, share: str, seen: int | None, reason: str, actor: str, **_: Any) -> None:
        flag = Flag.objects.filter(name=name).first()
        if flag is None:
            raise unknown(name)
        edit = {"percent": share, "everyone": None}
        version = seen or flag.version
        given: dict[str, Any] = {"by": _person(actor), "reason": reason, "now": timezone.now()}
        self.stdout.write(_told(change.change(name, expect=version, edit=edit, **given)))

    def _kill(self, *, name: str, reason: str, actor: str, **_: Any) -> None:
        self.stdout.write(_told(change.kill(name, by=_person(actor), reason=reason, now=timezone.now())))

    def _say(self, lines: Sequence[Any], form: str, nothing: str) -> None:
        for line in lines:
            self.stdout.write(form.format(line))
        if not lines:
            self.stdout.write(nothing)


def _person(name: str) -> Person:
    return Person.at_shell(name or getpass.getuser())


def _state(flag: Flag) -> str:
    return "off" if flag.everyone is False else f"{plain(flag.share)} %"


def _told(made: FlagChange | Proposal) -> str:
    if isinstance(made, Proposal):
        return f"{made.flag.name}: waits for a second person until {made.expires_at:%d %b %H:%M} UTC, as {made.pk}"
    return f"{made.name}: {made.get_action_display().lower()}, now version {made.version}"


def _read(file: str) -> str:
    try:
        return sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise CommandError(f"{file} can't be read: {problem}") from None
