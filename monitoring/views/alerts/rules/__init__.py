"""The pages of alert rules: all of them, one to read and change, and its trial on what was recorded."""
