"""The providers that ask nobody: static embeddings, rules that find facts, summaries made of what was said."""
