"""What an order is and what may happen to it. Pure: the same answer for the same arguments."""
