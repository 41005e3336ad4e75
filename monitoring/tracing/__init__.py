"""Follows a request through the processes: its ids for answers, log lines and outgoing calls, and its slow parts."""
