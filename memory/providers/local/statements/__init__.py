"""Reads statements in a message.

`sentences` (what was said, and where) → `third_person` (who does what, with `verbs`) →
`worth` (is it worth keeping; by `kinds` and `deeds`) → `dates` (when, on the calendar).
"""
