"""Working memory: messages are taken in (ingest), and folded into a rolling summary when they leave the window."""
