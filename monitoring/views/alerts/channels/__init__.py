"""The page of channels: where notifications go, a form, a test, and what was delivered."""
