"""Rollout plans: the form that starts one, and what people do while it runs."""
