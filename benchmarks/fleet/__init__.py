"""Many boxes at one centre: a thousand and more that hold their requests open, sales to them, and their return."""
