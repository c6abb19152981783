"""What the centre decides. Pure: no clock, no chance, no disk, no network; rows and instants are arguments."""
