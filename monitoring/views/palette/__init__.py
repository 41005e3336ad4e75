"""The palette: finds pages and things by their names."""
