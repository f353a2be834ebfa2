"""What an order is and what may happen to it. All of it is pure: the same answer for the same arguments."""
