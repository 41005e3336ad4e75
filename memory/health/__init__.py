"""Memory's health: checks for the probes, rules for readiness, and drills in a sandbox of their own."""
