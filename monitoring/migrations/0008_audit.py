"""The audit log, which nobody can rewrite: a trigger refuses changes, and deletion before an entry is 13 months old."""

from __future__ import annotations

from typing import ClassVar

import monitoring.ids
from django.db import migrations, models

KEEP = """
CREATE FUNCTION monitoring_audit_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND OLD.at < now() - interval '396 days' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'the audit log is append-only: % of entry % is refused', TG_OP, OLD.id;
END $$;
CREATE TRIGGER monitoring_audit_keep BEFORE UPDATE OR DELETE ON monitoring_auditentry
FOR EACH ROW EXECUTE FUNCTION monitoring_audit_keep();
"""
FORGET = """
DROP TRIGGER monitoring_audit_keep ON monitoring_auditentry;
DROP FUNCTION monitoring_audit_keep();
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("monitoring", "0007_health")]
    operations: ClassVar = [
        migrations.CreateModel(
            name="AuditEntry",
            fields=[
                (
                    "id",
                    models.UUIDField(default=monitoring.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("at", models.DateTimeField()),
                ("actor", models.CharField(max_length=150)),
                (
                    "action",
                    models.CharField(help_text='A noun and a verb, such as "alert.acknowledge".', max_length=64),
                ),
                ("subject", models.CharField(help_text="The name or id of what was changed.", max_length=300)),
                ("before", models.JSONField(help_text="What it was; only what changed.", null=True)),
                ("after", models.JSONField(help_text="What it became.", null=True)),
                ("reason", models.CharField(blank=True, max_length=500)),
                ("request_id", models.CharField(blank=True, max_length=64)),
            ],
            options={
                "verbose_name_plural": "audit entries",
                "indexes": [
                    models.Index(fields=["-at", "-id"], name="audit_at"),
                    models.Index(fields=["actor", "-at"], name="audit_actor"),
                    models.Index(fields=["subject", "-at"], name="audit_subject"),
                ],
            },
        ),
        migrations.RunSQL(KEEP, FORGET),
    ]
