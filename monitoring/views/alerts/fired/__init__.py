"""The page of alerts: the list, one in detail, and what may be done to it."""
