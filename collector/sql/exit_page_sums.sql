page, exit_visitors AS visitors, exits AS visits, exit_pageviews AS pageviews,
exit_events AS events, exit_duration_s AS duration_s, exits AS entries, exit_bounces AS bounces,
0 AS readings, 0 AS engaged_s, 0 AS scroll
