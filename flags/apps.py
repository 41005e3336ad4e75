from __future__ import annotations

from django.apps import AppConfig


class FlagsConfig(AppConfig):
    name = "flags"

    def ready(self) -> None:
        # models exist only now
        from flags import health
        from flags.views import panel
        from monitoring.console import palette

        health.register_all()
        palette.register("Flags", panel.find)
