"""What a channel goes out through: sealed targets, addresses that are allowed, connections under a deadline."""
