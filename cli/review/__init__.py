"""`switchboard review`: what a change to this system does, read from the synthesized templates, without AWS."""
