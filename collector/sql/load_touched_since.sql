-- Since when any of them changes, and whether somebody came back whose first visit stays.
SELECT min(since_us), coalesce(bool_or(acts AND first_us < since_us), false) FROM touched;
