"""What a new installation gets, and what a repeated bootstrap leaves alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from flags import rollout, snapshot
from flags.models import Flag
from holdfast.bootstrap import bootstrap


@pytest.mark.django_db
def test_batches_are_on_for_all_until_somebody_says_otherwise(tmp_path: Path) -> None:
    bootstrap(password="a password of somebody", folder=tmp_path)
    snapshot.forget()
    assert rollout.is_on("batch_processing", "anybody")
    Flag.objects.filter(name="batch_processing").update(everyone=False)
    bootstrap(password="a password of somebody", folder=tmp_path)
    snapshot.forget()
    assert not rollout.is_on("batch_processing", "anybody")
    assert Flag.objects.filter(name="batch_processing").count() == 1
    snapshot.forget()
