"""Reading CDRs: questions checked, shards merged in order of time, pages with cursors."""
