"""Keeps one memory per fact.

`normalise` (the same words) → `relate` (what one fact is to another, by what tells two apart) → `decide`; `stored` says
beside what and writes it down, and `clusters` looks again at what is stored.
"""
