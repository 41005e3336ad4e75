"""The list: which memories, in which order, and what each row says."""
