INSERT INTO archive.sealed FROM other.sealed WHERE date BETWEEN $first AND $last;
