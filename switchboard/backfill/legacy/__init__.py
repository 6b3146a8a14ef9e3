"""The import of an old CDR table: every item of it ends as a record, or whole beside the records."""
