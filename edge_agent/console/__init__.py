"""What a technician sees and says at the box: the local socket, tables in a terminal, log lines."""
