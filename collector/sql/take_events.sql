INSERT INTO archive.events FROM other.events WHERE date BETWEEN $first AND $last;
