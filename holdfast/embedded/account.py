"""The system user that the servers run as when root starts them: PostgreSQL refuses root."""

from __future__ import annotations

import errno
import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

from holdfast.embedded.errors import AccountError, FolderError, explaining

NAME = "holdfast"


@dataclass(frozen=True, slots=True)
class Account:
    """Who owns the data and runs the servers. `switches` says whether that is another user than ours."""

    uid: int
    gid: int
    switches: bool

    def own_folder(self, folder: Path) -> None:
        """Make `folder` ours alone (0700), or refuse with FolderError one that is a link or somebody else's."""
        with explaining(folder):
            if not os.path.lexists(folder):
                self._make(folder)
            if folder.is_symlink() or folder.stat().st_uid != self.uid:
                raise FolderError(_belongs_to_another(folder, self.uid))
            folder.chmod(0o700)

    def _make(self, folder: Path) -> None:
        """Aside, then moved to its place: whoever starts at the same time must not find it without its owner."""
        aside = Path(mkdtemp(prefix=f"{folder.name}.", dir=folder.parent))
        self.take(aside)
        try:
            aside.rename(folder)
        except OSError as problem:
            aside.rmdir()
            if problem.errno not in {errno.EEXIST, errno.ENOTEMPTY}:
                raise

    def take(self, path: Path) -> None:
        """Give `path` to the account; nothing to do when we are that account."""
        if self.switches:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)


def service_account() -> Account:
    """Ourselves, or as root the system user `holdfast`, made when missing. Raises AccountError."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid(), switches=False)
    entry = _find() or _create()
    return Account(entry.pw_uid, entry.pw_gid, switches=True)


def _find() -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(NAME)
    except KeyError:
        return None


def _create() -> pwd.struct_passwd:
    command = shutil.which("useradd", path=os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin")
    if command is None:
        raise AccountError(
            f"PostgreSQL does not run as root, and there is no useradd here to make the system user {NAME!r}: "
            "make that user by hand, or start Holdfast as another user than root."
        )
    options = ["--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent", "--shell", "/bin/false"]
    made = subprocess.run([command, *options, NAME], capture_output=True, text=True, check=False)
    # Two first starts at once both get here; whoever comes second is told that the user exists, which is as good.
    if entry := _find():
        return entry
    raise AccountError(f"The system user {NAME!r} cannot be made: {made.stderr.strip() or made.returncode}.")


def _belongs_to_another(folder: Path, uid: int) -> str:
    owner = _name(folder.lstat().st_uid)
    starter = "root" if owner == NAME else owner  # only root starts the services as their own account
    return (
        f"{folder} belongs to {owner}, and the embedded services would run as {_name(uid)}: "
        f"start Holdfast as {starter}, or move the folder away."
    )


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
