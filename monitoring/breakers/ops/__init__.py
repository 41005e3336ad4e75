"""What people see of breakers and do to them: orders, the record of transitions, the overview."""
