"""From the sale to the closed relay."""
