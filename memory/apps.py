"""Memory: remembers. Tells monitoring which gauges it has."""

from __future__ import annotations

from django.apps import AppConfig


class MemoryConfig(AppConfig):
    name = "memory"

    def ready(self) -> None:
        # models exist only now
        from memory.jobs import depth
        from memory.models import Memory
        from monitoring import metrics

        metrics.register_gauges(depth.gauges)
        metrics.register_gauge("memories.active", Memory.objects.active_count)
