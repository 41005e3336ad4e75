"""Judging: samples (figures of all rules at once) → measure (values) → machine (states) → episodes (alerts)."""
