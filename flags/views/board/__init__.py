"""The list of flags: where each stands, what its guard says, and what waits for somebody."""
