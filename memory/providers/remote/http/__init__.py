"""Asks over HTTP: one pooled client per process, each request within a deadline, each answer within a size."""
