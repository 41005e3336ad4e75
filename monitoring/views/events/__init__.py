"""What happened: the events that charts are annotated with."""
