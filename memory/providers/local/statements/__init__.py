"""Reads statements in a message.

`hearing` (which words are the author's own, clause by clause, said plainly) → `third_person` (who does what, with
`verbs`) → `worth` (is it worth keeping; by `kinds` and `deeds`, and by `lasting` where no list knows the words) →
`dates` (when, on the calendar).
"""
