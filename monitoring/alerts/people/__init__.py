"""What people do about alerts: acknowledge, snooze, silence."""
