"""The console: what staff see and do in a browser. Asks and acts through `ports`; knows no store and no ledger rule."""
