"""The function `cdr-query`: reads CDRs for reporting and billing."""
