"""Counts of each user's memories and messages, kept by the statement that changes them, whoever writes it."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations

# One upsert per statement, in the order of the keys, so that two statements about many users never wait in a circle.
# A tally has no foreign key: deleting a workspace deletes its memories, and would count them down in a row of a
# workspace that is gone.
# A memory that is added to a large scope goes into the vector index at once, whoever adds it, so that search may rely on
# the index as soon as the tally says that the scope is large. All others pay nothing for that.
FORWARD = """
CREATE FUNCTION memory_tally_add() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  large boolean;
BEGIN
  WITH added AS (
    INSERT INTO memory_tally AS tally (workspace_id, user_id, active)
    SELECT workspace_id, user_id, count(*) FROM born WHERE state = 'active'
    GROUP BY workspace_id, user_id ORDER BY workspace_id, user_id
    ON CONFLICT (workspace_id, user_id) DO UPDATE SET active = tally.active + excluded.active
    RETURNING tally.is_large
  )
  SELECT bool_or(is_large) FROM added INTO large;
  IF large THEN
    UPDATE memory_memory AS memory SET in_large_scope = true FROM born JOIN memory_tally AS tally
      ON tally.workspace_id = born.workspace_id AND tally.user_id = born.user_id AND tally.is_large
    WHERE memory.id = born.id AND NOT memory.in_large_scope;
  END IF;
  RETURN NULL;
END $$;
CREATE FUNCTION memory_tally_remove() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO memory_tally AS tally (workspace_id, user_id, active)
  SELECT workspace_id, user_id, -count(*) FROM gone WHERE state = 'active'
  GROUP BY workspace_id, user_id ORDER BY workspace_id, user_id
  ON CONFLICT (workspace_id, user_id) DO UPDATE SET active = tally.active + excluded.active;
  RETURN NULL;
END $$;
CREATE FUNCTION memory_tally_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO memory_tally AS tally (workspace_id, user_id, active)
  SELECT workspace_id, user_id, sum(change) FROM (
    SELECT workspace_id, user_id, 1 AS change FROM born WHERE state = 'active'
    UNION ALL
    SELECT workspace_id, user_id, -1 FROM gone WHERE state = 'active'
  ) AS changed
  GROUP BY workspace_id, user_id HAVING sum(change) <> 0 ORDER BY workspace_id, user_id
  ON CONFLICT (workspace_id, user_id) DO UPDATE SET active = tally.active + excluded.active;
  RETURN NULL;
END $$;
CREATE TRIGGER memory_tally_add AFTER INSERT ON memory_memory
  REFERENCING NEW TABLE AS born FOR EACH STATEMENT EXECUTE FUNCTION memory_tally_add();
CREATE TRIGGER memory_tally_remove AFTER DELETE ON memory_memory
  REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION memory_tally_remove();
CREATE TRIGGER memory_tally_change AFTER UPDATE ON memory_memory
  REFERENCING NEW TABLE AS born OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION memory_tally_change();

CREATE FUNCTION memory_tally_add_messages() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO memory_tally AS tally (workspace_id, user_id, messages)
  SELECT workspace_id, user_id, count(*) FROM born
  GROUP BY workspace_id, user_id ORDER BY workspace_id, user_id
  ON CONFLICT (workspace_id, user_id) DO UPDATE SET messages = tally.messages + excluded.messages;
  RETURN NULL;
END $$;
CREATE FUNCTION memory_tally_remove_messages() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO memory_tally AS tally (workspace_id, user_id, messages)
  SELECT workspace_id, user_id, -count(*) FROM gone
  GROUP BY workspace_id, user_id ORDER BY workspace_id, user_id
  ON CONFLICT (workspace_id, user_id) DO UPDATE SET messages = tally.messages + excluded.messages;
  RETURN NULL;
END $$;
CREATE TRIGGER memory_tally_add AFTER INSERT ON memory_indexedmessage
  REFERENCING NEW TABLE AS born FOR EACH STATEMENT EXECUTE FUNCTION memory_tally_add_messages();
CREATE TRIGGER memory_tally_remove AFTER DELETE ON memory_indexedmessage
  REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION memory_tally_remove_messages();

INSERT INTO memory_tally (workspace_id, user_id, active)
SELECT workspace_id, user_id, count(*) FROM memory_memory WHERE state = 'active' GROUP BY workspace_id, user_id;
"""
BACK = """
DROP TRIGGER memory_tally_remove ON memory_indexedmessage;
DROP TRIGGER memory_tally_add ON memory_indexedmessage;
DROP TRIGGER memory_tally_change ON memory_memory;
DROP TRIGGER memory_tally_remove ON memory_memory;
DROP TRIGGER memory_tally_add ON memory_memory;
DROP FUNCTION memory_tally_remove_messages();
DROP FUNCTION memory_tally_add_messages();
DROP FUNCTION memory_tally_change();
DROP FUNCTION memory_tally_remove();
DROP FUNCTION memory_tally_add();
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("memory", "0005_engine")]
    operations: ClassVar = [migrations.RunSQL(FORWARD, BACK)]
