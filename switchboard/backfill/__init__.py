"""Large changes to the items of a table: in constant memory, inside a budget, resumable, and verified."""
