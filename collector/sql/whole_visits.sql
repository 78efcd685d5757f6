-- Visits that the filter lets through as wholes: wherever one began, it is asked about.
SELECT *, true AS enters FROM /*visits*/ /*arriving*/ WHERE /*where*/
