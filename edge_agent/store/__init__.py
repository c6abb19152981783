"""What outlives the power on a box: one SQLite file, a head file beside it, a lock. Home of peewee on this side."""
