"""Memory: remembers. Tells monitoring which gauges it has, and flags which it asks for."""

from __future__ import annotations

from django.apps import AppConfig
from django.core import checks


class MemoryConfig(AppConfig):
    name = "memory"

    def ready(self) -> None:
        # models exist only now
        import memory.work  # noqa: F401 - registers the kinds of jobs
        from flags import catalog, change
        from memory import catalogue
        from memory.health import checks as health
        from memory.health import drills, readiness
        from memory.jobs import figures
        from memory.models import Memory, Workspace
        from memory.providers import prices
        from memory.providers.local import tokens
        from memory.providers.remote.checks import check as check_providers
        from memory.views import found
        from monitoring import metrics

        catalog.register(*catalogue.ALL)
        change.name_workspaces(Workspace.objects.names)
        checks.register(prices.check)
        checks.register(tokens.check)
        checks.register(check_providers)
        metrics.register_gauges(figures.gauges)
        metrics.register_gauge("memories.active", Memory.objects.active_count)
        found.register_all()
        health.register_all()
        readiness.register_all()
        drills.register_all()
