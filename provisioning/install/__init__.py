"""Installing a bundle on a machine without a network: versions side by side, units, users. Sends nothing anywhere."""
