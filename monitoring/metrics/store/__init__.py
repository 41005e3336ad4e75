"""Where figures are kept: write puts blobs into seconds, rollup makes minutes, hours and days, retain drops the old."""
