"""DynamoDB as this system uses it: attribute values, the client, and batched PartiQL."""
