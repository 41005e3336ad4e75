"""One memory in detail: why it is as it is, its texts, where it was said, and its use."""
