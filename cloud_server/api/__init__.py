"""Addresses for boxes and for other programs. Reads requests, calls flows, writes answers; decides nothing."""
