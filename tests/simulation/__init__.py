"""Boxes, a centre and staff in one process, on virtual time, from one seed: real protocol, cores, flows and stores."""
