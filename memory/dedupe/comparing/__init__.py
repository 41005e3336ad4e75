"""Compares what two facts say: which terms are common, which clash, and what follows from that."""
