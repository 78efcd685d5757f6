SELECT min(since_us) FROM touched;
