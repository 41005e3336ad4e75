"""What facts are compared with, and where what came of it goes: the tables, and what a batch is about to write to them.

`candidates` and `fresh` find what is near a fact, `standing` says what may give way to it, `rows` writes it down.
"""
