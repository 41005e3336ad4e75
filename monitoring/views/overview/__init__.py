"""The overview: a verdict, seven figures and the charts."""
