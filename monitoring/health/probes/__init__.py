"""Probes: checks that run beside the requests, and the verdict that a probe is answered with from memory."""
