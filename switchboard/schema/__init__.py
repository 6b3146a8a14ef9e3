"""Every name the deployed system and its code share, each spelled once: keys, attributes, indexes, limits, paths.

Constants and key formats only. `infra` builds resources from these modules, the domain reads and writes with them.
"""
