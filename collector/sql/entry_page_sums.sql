page, entry_visitors AS visitors, entries AS visits, entry_pageviews AS pageviews,
entry_events AS events, entry_duration_s AS duration_s, entries, bounces, 0 AS readings,
0 AS engaged_s, 0 AS scroll
