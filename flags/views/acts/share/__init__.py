"""Another share: what it does to whom, asked before it rises."""
