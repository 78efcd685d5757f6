"""The pages on which it is settled what holds for a site, and who may look at it."""
