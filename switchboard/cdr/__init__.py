"""Call data records: written once, never changed, read in time order."""
