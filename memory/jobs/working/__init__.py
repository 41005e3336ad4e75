"""What a worker does: a shift claims jobs of many users, runs them and writes down how they ended."""
