"""What the simulated provider answers: OpenAI's shapes, filled by the local embedder, extractor and summarizer."""
