from __future__ import annotations

from django.apps import AppConfig


class MonitoringConfig(AppConfig):
    name = "monitoring"

    def ready(self) -> None:
        # models exist only now
        from django.core import checks
        from django.db.backends.signals import connection_created

        from monitoring import alerts, breakers, metrics
        from monitoring.health.drills import own as drills
        from monitoring.health.probes import checks as probes
        from monitoring.health.readiness import own as readiness
        from monitoring.queries import capture
        from monitoring.queries.server import statistics
        from monitoring.views.audit import recorders
        from monitoring.views.palette import sources
        from monitoring.views.readiness import dashboard

        recorders.connect()
        sources.register_all()
        connection_created.connect(capture.install, dispatch_uid="queries")
        metrics.register_gauge("breakers.open", breakers.cut_off)
        metrics.register_gauges(statistics.gauges)
        metrics.register_gauges(alerts.gauges)
        checks.register(alerts.channels.check)
        probes.register_all()
        readiness.register_all()
        drills.register_all()
        dashboard.register_all()
