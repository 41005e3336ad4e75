"""Sets Django up when it is imported, for modules that import what exists only afterwards."""

from __future__ import annotations

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bench.settings")
django.setup()
