"""A seeded world of customers, terminals and thieves that writes raw transaction files."""
