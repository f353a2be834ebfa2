"""Several machines on one log: what orders their transactions, how each is recorded and applied, and who belongs."""
