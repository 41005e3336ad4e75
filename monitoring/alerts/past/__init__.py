"""The past: rows (what is stored) → windows (figures at each cell) → course (a rule's values) → replay (its alerts)."""
