"""Rows of the centre: where everything that was decided is kept. Home of peewee; no rule of the house lives here."""
