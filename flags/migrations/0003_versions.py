"""Versions rise with every write, whoever writes: by the verb, the admin, waffle's commands or SQL."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION flags_flag_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.version <= OLD.version AND
     (NEW.name, NEW.everyone, NEW.percent, NEW.salt, NEW.unit, NEW.rules, NEW.needs, NEW.starts_at, NEW.ends_at)
     IS DISTINCT FROM
     (OLD.name, OLD.everyone, OLD.percent, OLD.salt, OLD.unit, OLD.rules, OLD.needs, OLD.starts_at, OLD.ends_at)
  THEN
    NEW.version := OLD.version + 1;
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER flags_flag_version BEFORE UPDATE ON flags_flag
  FOR EACH ROW EXECUTE FUNCTION flags_flag_version();

CREATE FUNCTION flags_flagset_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO flags_flagset (id, version, is_frozen, is_guard_paused, actor, reason) VALUES (1, 1, false, false, '', '')
  ON CONFLICT (id) DO UPDATE SET version = flags_flagset.version + 1;
  RETURN NULL;
END $$;
CREATE TRIGGER flags_flagset_version AFTER INSERT OR UPDATE OR DELETE ON flags_flag
  FOR EACH STATEMENT EXECUTE FUNCTION flags_flagset_version();
CREATE TRIGGER flags_flagset_version AFTER INSERT OR UPDATE OR DELETE ON flags_override
  FOR EACH STATEMENT EXECUTE FUNCTION flags_flagset_version();
CREATE TRIGGER flags_flagset_version AFTER INSERT OR UPDATE OR DELETE ON flags_flag_users
  FOR EACH STATEMENT EXECUTE FUNCTION flags_flagset_version();
CREATE TRIGGER flags_flagset_version AFTER INSERT OR UPDATE OR DELETE ON flags_flag_groups
  FOR EACH STATEMENT EXECUTE FUNCTION flags_flagset_version();
CREATE TRIGGER flags_flagset_version AFTER INSERT OR DELETE OR UPDATE OF state, slow_ms ON flags_rolloutplan
  FOR EACH STATEMENT EXECUTE FUNCTION flags_flagset_version();

INSERT INTO flags_flagset (id, version, is_frozen, is_guard_paused, actor, reason) VALUES (1, 1, false, false, '', '')
ON CONFLICT (id) DO NOTHING;
"""
BACK = """
DROP TRIGGER flags_flagset_version ON flags_rolloutplan;
DROP TRIGGER flags_flagset_version ON flags_flag_groups;
DROP TRIGGER flags_flagset_version ON flags_flag_users;
DROP TRIGGER flags_flagset_version ON flags_override;
DROP TRIGGER flags_flagset_version ON flags_flag;
DROP TRIGGER flags_flag_version ON flags_flag;
DROP FUNCTION flags_flagset_version();
DROP FUNCTION flags_flag_version();
"""


class Migration(migrations.Migration):
    dependencies = [("flags", "0002_rollouts")]
    operations = [migrations.RunSQL(FORWARD, BACK)]
