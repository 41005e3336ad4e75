"""`manage.py up`: the services and the processes of Holdfast, started, watched and stopped together."""

from __future__ import annotations

from holdfast.supervisor.errors import SupervisorError
from holdfast.supervisor.plan import Options
from holdfast.supervisor.up import up

__all__ = ["Options", "SupervisorError", "up"]
