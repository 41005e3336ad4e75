"""Readiness: the probes, the page with score and drills, and what a drill found."""
