-- Single actions that are let through, and the visits that contain one; `enters` says that the
-- visit began where the filter and the question look. Only what is asked for is worked out.
WITH found AS (
    SELECT
        date, visitor, visit, is_view, path, engaged_s, scroll, duration_s,
        is_bounce,
        /*columns*/
        /*enters*/ AS enters
    FROM /*actions*/
    WHERE /*within_hours*/ AND /*where*/
), acted AS (
    SELECT
        /*times*/
        /*action_keys*/
        count(*) FILTER (is_view) AS pageviews,
        count(*) AS events
    FROM found
    GROUP BY ALL
), came AS (
    SELECT
        /*times*/
        /*found_keys*/
        count(*) AS visitors
    FROM (
        SELECT DISTINCT
            /*action_keys*/
            date, visitor
        FROM found
    )
    GROUP BY ALL
), visited AS (
    SELECT
        /*times*/
        /*found_keys*/
        count(*) AS visits,
        total(duration_s) AS duration_s,
        count(*) FILTER (enters) AS entries,
        count(*) FILTER (enters AND is_bounce) AS bounces
    FROM (
        SELECT
            /*visit_keys*/
            date, visitor, visit,
            any_value(duration_s) AS duration_s,
            any_value(is_bounce) AS is_bounce,
            bool_or(enters) AS enters
        FROM found
        GROUP BY ALL
    )
    GROUP BY ALL
), read AS (
    SELECT
        /*times*/
        /*found_keys*/
        count(*) AS readings,
        total(engaged_s) AS engaged_s,
        total(scroll) AS scroll
    FROM (
        SELECT
            /*action_keys*/
            date, visitor, visit, path,
            total(engaged_s) AS engaged_s,
            max(scroll) AS scroll
        FROM found
        WHERE is_view
        GROUP BY ALL
    )
    GROUP BY ALL
)
/*branches*/
