INSERT INTO archive.rollups FROM other.rollups WHERE date BETWEEN $first AND $last;
