INSERT INTO archive.page_rollups FROM other.page_rollups WHERE date BETWEEN $first AND $last;
