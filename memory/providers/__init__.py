"""The outside world that memory asks (embedders, extractors, summarizers), and the local ones that need no network."""
