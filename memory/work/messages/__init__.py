"""Processes messages: what is read for each user, decided, and committed for many at once."""
