"""The wiring: the one place that knows every part, and the one thread that owns state and store.

`run` is the whole life of the agent. Bus workers, the uplink, the schedule and the local socket only post messages;
`owner` takes them one by one.
"""
