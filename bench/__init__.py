"""Benchmarks: ratios measured interleaved in one run, never imported by the product."""
