"""Where figures are kept: write puts blobs into seconds, rollup makes minutes and hours, retain drops the old."""
