"""What the pages of all apps share: the frame, live fragments, questions, charts, and how figures are written."""
