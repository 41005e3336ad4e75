"""Where the embedded services live: computed from the project's folder alone, so that every process agrees.

home/              the folder asked for, or the system's state folder when the servers' account can't reach it
  password         of PostgreSQL's roles, 0600
  postgres/data    0700; postgres/log, postgres/conf beside it
  cache/data       0700; cache/log beside it
  broker/data      0700; broker/log beside it
  run/             0700: the sockets, unless their paths would be too long
  bin/             copies of the programs, where the servers' account can't reach the originals
"""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

ROLE = DATABASE = "holdfast"
PORT = 5432  # names the socket file only: no TCP port is opened
STATE = Path("/var/lib/holdfast")
# Not tempfile.gettempdir(): TMPDIR differs between a shell and a service, and both must find the same sockets.
SHORT_PARENT = Path("/tmp")
LONGEST_SOCKET_BYTES = 100  # the kernel's limit is 108 on Linux and 104 on macOS, with the final zero
OTHERS_MAY_TRAVERSE = stat.S_IXOTH


@dataclass(frozen=True, slots=True)
class Addresses:
    """How clients reach the three services. `database_url` has no password until PostgreSQL was first started."""

    database_url: str
    redis_url: str
    broker_url: str


@dataclass(frozen=True, slots=True)
class Layout:
    """The places of one project's services. `mark` is unique to the folder on this machine."""

    asked: Path
    home: Path
    sockets: Path
    mark: str

    @property
    def has_moved(self) -> bool:
        """Whether the services live outside the folder that was asked for."""
        return self.home != self.asked

    @property
    def password_file(self) -> Path:
        return self.home / "password"

    def socket(self, name: str) -> Path:
        return self.sockets / f"{name}.sock"

    def addresses(self) -> Addresses:
        """The URLs, with the password as it stands on disk now."""
        credentials = f"{ROLE}:{quote(self._password(), safe='')}"
        host = quote(str(self.sockets), safe="")
        return Addresses(
            # The port is named so that a PGPORT in somebody's environment cannot send clients elsewhere.
            database_url=f"postgresql://{credentials}@/{DATABASE}?host={host}&port={PORT}",
            redis_url=f"unix://{quote(str(self.socket('cache')))}?db=0",
            broker_url=f"redis+socket://{quote(str(self.socket('broker')))}?virtual_host=0",
        )

    def _password(self) -> str:
        # A settings module reads this at import, where a folder that is missing or unreadable is not yet an error:
        # whoever starts the services says so in a sentence.
        try:
            return self.password_file.read_text().strip()
        except OSError:
            return ""


def addresses(folder: Path) -> Addresses:
    """The addresses of the services of `folder`, running or not. Starts nothing, writes nothing."""
    return locate(folder).addresses()


def locate(folder: Path) -> Layout:
    """Decide where the services of `folder` live. The same answer for root before and after the first start."""
    asked = folder.resolve()
    mark = hashlib.sha256(os.fsencode(asked)).hexdigest()[:10]
    # Only root changes to another account, and that account must get as far as the folder itself, which is ours.
    reachable = os.geteuid() != 0 or is_traversable(asked.parent)
    home = asked if reachable else STATE / mark
    sockets = home / "run"
    if len(os.fsencode(sockets / f".s.PGSQL.{PORT}")) > LONGEST_SOCKET_BYTES:
        sockets = SHORT_PARENT / f"holdfast-{mark}"
    return Layout(asked=asked, home=home, sockets=sockets, mark=mark)


def is_traversable(folder: Path) -> bool:
    """Whether any account may walk through `folder` and all above it; parts that don't exist yet don't count.

    Read from the mode bits for "others", so the answer doesn't depend on whether the system user exists already.
    """
    return all(_lets_others_through(part) for part in (folder, *folder.parents))


def _lets_others_through(folder: Path) -> bool:
    try:
        return bool(folder.stat().st_mode & OTHERS_MAY_TRAVERSE)
    except FileNotFoundError:
        return True
    except OSError:
        return False
