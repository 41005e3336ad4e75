"""What a person may do to a memory: each asks first, and each can be found in its history."""
