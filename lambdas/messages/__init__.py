"""The function `messages`: people's groups, messages and profiles, for the service that has authenticated them."""
