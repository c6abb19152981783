"""The stories of the box: what happens in which order, told with ports as arguments. Decisions are the core's."""
