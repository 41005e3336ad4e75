"""What one process counts: each thread for itself between two transitions, and the window that judges them."""
