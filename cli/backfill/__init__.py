"""`switchboard backfill`: large changes to a table, through the stage's state machine or in this process."""
