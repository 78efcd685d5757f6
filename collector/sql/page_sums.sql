page, visitors, visits, pageviews, events, duration_s, entries, bounces, readings, engaged_s, scroll
