"""Where the embedded services live, and how they are reached."""

from __future__ import annotations

import stat
import subprocess
import sys

import pytest
from psycopg.conninfo import conninfo_to_dict

from holdfast.embedded import FolderError, Services, addresses
from holdfast.embedded.account import service_account
from holdfast.embedded.folder import LONGEST_SOCKET_BYTES, PORT, STATE, is_traversable, locate
from tests.holdfast.places import ALONE, IS_ROOT, make_folder


def test_addresses_are_known_before_anything_was_started() -> None:
    with make_folder() as folder:
        found = addresses(folder)

        parts = conninfo_to_dict(found.database_url)
        assert parts["host"] == str(folder / "run")
        assert (parts["user"], parts["dbname"], parts.get("password", "")) == ("holdfast", "holdfast", "")
        assert found.redis_url == f"unix://{folder}/run/cache.sock?db=0"
        assert found.broker_url == f"redis+socket://{folder}/run/broker.sock?virtual_host=0"
        assert not folder.exists()


def test_the_embedded_package_works_without_django() -> None:
    code = "import sys, holdfast.embedded; sys.exit('django.conf' in sys.modules and 'Django was imported')"
    ran = subprocess.run([sys.executable, "-c", ALONE + code], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


def test_two_folders_have_different_addresses() -> None:
    with make_folder(below="x" * 90) as one, make_folder(below="x" * 90) as other:
        assert locate(one).sockets != locate(other).sockets
        assert addresses(one) != addresses(other)


def test_a_long_path_gets_a_short_folder_for_its_sockets() -> None:
    with make_folder(below="long" * 30) as folder:
        layout = locate(folder)
        assert layout.home == folder
        assert len(str(layout.sockets / f".s.PGSQL.{PORT}")) <= LONGEST_SOCKET_BYTES
        with Services(folder, durable=False) as services:
            assert services.check() == ()
            assert stat.S_IMODE(layout.sockets.stat().st_mode) == 0o700


def test_a_short_folder_that_belongs_to_somebody_else_is_refused() -> None:
    if not IS_ROOT:
        pytest.skip("only root can make a folder that belongs to somebody else")
    with make_folder(below="long" * 30) as folder:
        sockets = locate(folder).sockets
        sockets.mkdir(mode=0o700)
        with pytest.raises(FolderError, match="belongs to root"):
            Services(folder, postgres=False, broker=False).start()


def test_a_link_in_place_of_the_short_folder_is_refused() -> None:
    with make_folder(below="long" * 30) as folder:
        folder.parent.joinpath("elsewhere").mkdir()
        sockets = locate(folder).sockets
        sockets.symlink_to(folder.parent / "elsewhere")
        try:
            with pytest.raises(FolderError, match="belongs to"):
                Services(folder, postgres=False, broker=False).start()
        finally:
            sockets.unlink()


def test_a_folder_that_the_account_cannot_reach_moves_to_the_state_folder() -> None:
    with make_folder(mode=0o700) as folder:
        layout = locate(folder)
        assert is_traversable(folder.parent) is False
        if not IS_ROOT:
            assert layout.home == folder
            return
        assert layout.home == STATE / layout.mark
        said: list[str] = []
        with Services(folder, durable=False, say=said.append) as services:
            assert services.check() == ()
            assert addresses(folder) == services.addresses
        assert said == [f"The services' account can't reach {folder}: their data lives in {layout.home}."]
        assert not folder.exists()


def test_modes_keep_the_data_private_and_touch_nothing_above_the_folder() -> None:
    with make_folder() as folder:
        above = [*folder.parent.parents, folder.parent]
        before = [(place, place.stat().st_mode, place.stat().st_uid) for place in above]
        with Services(folder, durable=False):
            account = service_account()
            private = [folder / "run", *(folder / name / "data" for name in ("postgres", "cache", "broker"))]
            assert {stat.S_IMODE(place.stat().st_mode) for place in private} == {0o700}
            assert {place.stat().st_uid for place in private} == {account.uid}
            assert stat.S_IMODE((folder / "password").stat().st_mode) == 0o600
        assert [(place, place.stat().st_mode, place.stat().st_uid) for place in above] == before
