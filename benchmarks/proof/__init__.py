"""A bill of a month, proved from the lines that a box signed."""
