"""The page of possible duplicates: stored memories that may say the same, and what a person makes of them."""
