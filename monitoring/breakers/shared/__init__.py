"""What the processes share about their breakers: the script, the way to it, and the thread that keeps in step."""
