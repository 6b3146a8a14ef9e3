"""The stacks: of a stage, in the order of deployment, so that no reference runs backwards; and the organisation's."""
