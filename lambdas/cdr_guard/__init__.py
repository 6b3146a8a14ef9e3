"""The function `cdr-guard`."""
