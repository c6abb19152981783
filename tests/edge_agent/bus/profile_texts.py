"""Profiles as text that tests change one thing in."""

PLAIN = """
format = 1
vendor = "Nobody"
model = "N1"
grade = "manual"
sources = ["a manual"]
phases = 1

[line]
longest_read = 60

[quantities]
energy = { address = 0x0100, type = "u32", scale = "1/100", unit = "kWh" }
power = { address = 0x0102, type = "i16", unit = "W" }
"""

RELAY = """
[relay]
kind = "register"
function = 6
address = 0x0200
closed = [1]
open = [0]
readback = "none"
grade = "manual"
"""

BOARD = """
format = 1
kind = "relay_board"
vendor = "Nobody"
model = "B4"
grade = "manual"
sources = ["a manual"]
channels = 4

[line]
turnaround_ms = 60
silence_ms = 10

[relay]
kind = "coil"
function = 5
address = 0x0010
closed = [1]
open = [0]
readback = "none"
grade = "manual"
"""
