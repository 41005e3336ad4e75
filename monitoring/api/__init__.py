"""Monitoring's groups of API operations."""
