"""How fast the centre takes in what boxes tell, on PostgreSQL, against a bare COPY of the same rows."""
