"""Hears what a message says: which of its words are the author's own, in which sentences, about whom."""
