"""The review queue: what dedupe could not decide, one question after the other."""
