"""The wiring as an application: it has the commands, and makes the Celery application known."""

from __future__ import annotations

from django.apps import AppConfig


class HoldfastConfig(AppConfig):
    name = "holdfast"

    def ready(self) -> None:
        # here rather than in the package: what only needs the embedded services should not load Celery
        from holdfast import checks
        from holdfast.celery import app

        app.set_default()
        checks.register_all()
