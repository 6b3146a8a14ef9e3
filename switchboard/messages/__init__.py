"""Direct messaging: groups, messages, previews, people and their handles."""
