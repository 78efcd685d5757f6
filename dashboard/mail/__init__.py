"""Mails about sites: what they say, when they are due, and who orders them."""
