"""What would make a statement faster: its plan, the part of it that costs, an index that would help, and the proof."""
