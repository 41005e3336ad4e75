"""Wiring: settings, URLs, the one API, Celery and the embedded services. Nobody imports it."""

from __future__ import annotations

import sys

# httpx brings its command line into each process that imports it, with rich and pygments: a quarter of a second of each
# start. It does without where that can't be imported.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
