"""Reads what a fact says: its subject, its words by role and kind, whether it holds, and since or until when."""
