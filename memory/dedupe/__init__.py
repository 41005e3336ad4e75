"""Keeps one memory per fact: `normalise` (the same words) → `guards` (what tells two facts apart) → `decide`."""
