"""Workbooks and files for people to take away. Knows no page, no row of the store and no rule of money."""
