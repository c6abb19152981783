"""What the box decides, pure: frozen values in, a decision out. No clock, no chance, no I/O here."""
