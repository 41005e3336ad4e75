"""Telling people: quiet (who is not told) → plan (what to say, as rows of the outbox) → deliver → worker."""
