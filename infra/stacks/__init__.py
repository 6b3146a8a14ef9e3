"""The stacks of a stage, in the order of deployment: data, functions, access. No reference runs backwards."""
