"""The centre: ledger, command chains, console and API of one site. See README.md beside this file."""
