"""What people do with memories: each act is one transaction under the user's lock, and can be read, and undone."""
