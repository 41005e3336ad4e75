from __future__ import annotations

from typing import ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    dependencies: ClassVar = [("monitoring", "0004_tracing")]
    operations: ClassVar = []
