INSERT INTO archive.drops FROM other.drops WHERE date BETWEEN $first AND $last;
