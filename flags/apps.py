from __future__ import annotations

from django.apps import AppConfig


class FlagsConfig(AppConfig):
    name = "flags"

    def ready(self) -> None:
        # models exist only now
        from django.core import checks

        from flags import catalog, cohorts, health, request, snapshot, watch
        from flags.models import Flag
        from flags.views import found, panel
        from monitoring import metrics
        from monitoring.console import palette
        from monitoring.health import register

        Flag.asked = request.answer
        Flag.on_write.append(snapshot.announce)
        checks.register(catalog.check)
        register("flags", snapshot.check, component="flags", is_required=False, measurement="age")
        health.register_all()
        metrics.register_tick(lambda: cohorts.Collector().tick)
        metrics.register_tick(lambda: watch.Watch().tick)
        metrics.register_gauge("flags.attention", panel.attention)
        palette.register("Flags", found.find)
