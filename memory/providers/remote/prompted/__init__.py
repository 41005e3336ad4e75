"""Extractor and summarizers that a model does: what it is told, and what of its answer is believed."""
