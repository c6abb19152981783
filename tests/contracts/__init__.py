"""One suite a port, run on the fake and on the real part: whoever believes the fake may believe the suite."""
