"""What pages say, and in which language: names, numbers, dates, problems."""
