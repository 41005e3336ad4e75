"""The Caches page: what they save, what lies in them, and dropping or warming them by hand."""
