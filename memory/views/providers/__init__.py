"""The Providers page: what was asked outside, what it cost, and what serves while it fails."""
