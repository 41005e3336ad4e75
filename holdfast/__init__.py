"""Wiring: settings, URLs, the one API, Celery and the embedded services. Nobody imports it."""

from __future__ import annotations
