"""How a person calls the system: the `switchboard` command."""
