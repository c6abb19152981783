"""What box and centre must agree on: words, units, lines, chains and the arithmetic of money.

Imports nothing else of Tallybox, touches no disk, no network and no clock.
"""
