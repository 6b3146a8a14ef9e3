"""How AWS calls the domain: one package per function, each a thin adapter in `handler.py`."""
