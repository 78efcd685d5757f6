INSERT INTO archive.arrival_rollups FROM other.arrival_rollups WHERE date BETWEEN $first AND $last;
