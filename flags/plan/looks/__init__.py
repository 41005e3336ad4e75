"""Looks at running plans: gather → the guard's decision → look (may it?) → act, or stay."""
