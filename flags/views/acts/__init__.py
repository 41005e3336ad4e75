"""What people do to flags in the console: each change asks first where it widens, and is instant where it narrows."""
