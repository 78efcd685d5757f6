"""Everything between the wire and the numbers."""
