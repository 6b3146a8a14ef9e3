"""What the system does: the domain, without AWS event shapes and without CDK."""
