"""Everything that appends to the log: what the POS publishes, what people do to orders, the menu, receipts."""
