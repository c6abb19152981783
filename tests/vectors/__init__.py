"""Golden lines of the wire, and what makes and checks them. See README.md here."""
