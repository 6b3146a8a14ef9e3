"""Building blocks of the stacks, one capability each, with the house's policy baked in."""
