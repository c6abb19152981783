"""The centre: ledger, console, API and the far end of every box."""
