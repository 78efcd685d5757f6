INSERT INTO archive.visits FROM other.visits WHERE date BETWEEN $first AND $last;
