"""What the aggregator does for flags each second: cohorts are stored, plans are looked at."""
