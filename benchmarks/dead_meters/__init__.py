"""What meters that do not answer cost the others, and how soon an order is on the wire while the bus is busy."""
