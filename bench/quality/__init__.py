"""How good memory is: what is found again, and what is seen as the same; see docs/quality.md."""

from __future__ import annotations

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bench.settings")
django.setup()
