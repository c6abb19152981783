"""A whole site on one machine: simulated street, three boxes and a centre, set up as a real site is."""
