"""Bus efficiency: twenty meters, one read of 60 registers each, at 9600 8N1 with 5 ms turnaround.

The physical limit is the yardstick: characters on the line, silences, the meter's own turnaround. An efficiency is
told only together with the count of broken silences: who skips the silence looks fast, and loses reads on a real bus.
"""
