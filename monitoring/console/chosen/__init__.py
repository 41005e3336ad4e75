"""What the URL chooses for every page: the range, the time zone, and which events charts show."""
