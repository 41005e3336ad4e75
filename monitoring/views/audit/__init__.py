"""Who did what: the audit log, and what is written to it when somebody signs in."""
