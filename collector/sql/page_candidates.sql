-- Of one kind: a visit without a pageview is said to enter at the page "", which nobody looked at.
SELECT
    '/*panel*/' AS panel,
    page,
    /*keys*/
    /*metrics*/
FROM summed
WHERE /*panel*/_visitors > 0 AND /*is_candidate*/
