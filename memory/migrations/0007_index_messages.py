"""Asks the workers to index what was said before there was an index: a job per workspace, slice by slice."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import migrations
from django.utils import timezone

from monitoring.ids import uuid7


def ask(apps: Any, schema_editor: Any) -> None:
    job, workspaces = apps.get_model("memory", "Job"), apps.get_model("memory", "Workspace").objects
    spoken = workspaces.filter(conversations__length__gt=0).distinct().values_list("pk", flat=True)
    of = {"kind": "index_messages", "key": "degraded", "priority": 3, "available_at": timezone.now()}
    job.objects.bulk_create(job(id=uuid7(), workspace_id=workspace_id, **of) for workspace_id in spoken)


class Migration(migrations.Migration):
    dependencies: ClassVar = [("memory", "0006_tally")]
    operations: ClassVar = [migrations.RunPython(ask, migrations.RunPython.noop)]
