"""The function `cdr-writer`."""
