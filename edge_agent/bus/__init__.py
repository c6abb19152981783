"""The line side of the box: serial master, gateways, profiles, one worker a bus. Home of pymodbus and pyserial."""
