"""The product's settings, with one URL more: the bare endpoint that everything is measured against."""

from __future__ import annotations

from holdfast.settings import *  # noqa: F403

ROOT_URLCONF = "bench.urls"
