"""How many tokens a text is, estimated without a tokenizer, for budgets that must not be exceeded."""

from __future__ import annotations

from math import ceil
from typing import Final

# Least squares over LoCoMo turns against WordLlama's tokenizer (Llama 2, 32,000 pieces), then 2 % up, because
# to exceed a budget is worse than to leave some of it. Outside ASCII a byte costs more: a CJK character is about one.
TOKENS_PER_WORD: Final = 0.53
TOKENS_PER_ASCII_BYTE: Final = 0.165
TOKENS_PER_OTHER_BYTE: Final = 0.35


def estimate(text: str) -> int:
    """Return ceil(0.53 x words + 0.165 x ASCII bytes + 0.35 x other UTF-8 bytes): 0 only for the empty text."""
    if not text:
        return 0
    ascii_bytes = len(text) if text.isascii() else len(text.encode("ascii", "ignore"))
    other_bytes = 0 if text.isascii() else len(text.encode("utf-8", "surrogatepass")) - ascii_bytes
    weighed = TOKENS_PER_WORD * len(text.split())
    return ceil(weighed + TOKENS_PER_ASCII_BYTE * ascii_bytes + TOKENS_PER_OTHER_BYTE * other_bytes)
