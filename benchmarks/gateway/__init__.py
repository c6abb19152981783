"""The agent beside ThingsBoard Gateway, the best peer that runs here: the same meters, the same bus, a minute each.

The peer is its published package, in an environment that is thrown away; nothing of it is a dependency of ours.
"""
