"""The Latency page: all operations with their figures, and one of them in detail."""
