"""Everything editors and their programs look at."""
