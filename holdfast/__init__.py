"""Wiring: settings, URLs, the one API, Celery and the embedded services. Nobody imports it."""

from __future__ import annotations

from holdfast.celery import app as celery_app

__all__ = ["celery_app"]
