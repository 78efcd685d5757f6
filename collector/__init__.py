"""Everything between the wire and the numbers."""

__version__ = "0.1.0"
