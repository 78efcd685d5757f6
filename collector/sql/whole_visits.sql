-- Visits that the filter lets through.
SELECT *, true AS enters FROM /*visits*/ /*arriving*/ WHERE /*where*/
