"""The breakers: their cards, one in detail, and what an operator may do."""
