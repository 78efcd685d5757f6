-- Since when any of them changes, since when any of them has been there, whether somebody came back whose
-- first visit stays, and whether anybody may have several.
SELECT
    min(since_us), min(first_us), coalesce(bool_or(acts AND first_us < since_us), false),
    coalesce(bool_or(first_us < since_us OR until_us - since_us > $gap_us), false)
FROM touched;
