"""What decides at the centre: pure, frozen values in, a decision out. No clock, chance, bytes or rows in here."""
