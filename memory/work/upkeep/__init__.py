"""Does again what was done in second best, and keeps memories and summaries tidy."""
