"""The Memories page: which facts are kept, why each is as it is, and what a person may do about it."""
