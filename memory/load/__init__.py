"""Reads what other programs have exported: records → (chatgpt | openai | jsonl | locomo) → read → load."""
