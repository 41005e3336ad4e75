"""Follows a request through the processes: its id, for answers and log lines."""
