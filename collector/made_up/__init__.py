"""Made-up history: its days, what visits are like, and how they are built and shown."""
