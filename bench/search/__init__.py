"""What search costs: strategies against each other, and the planner's choice against the best of them."""
