"""Sending hints, and making good those that are lost."""
