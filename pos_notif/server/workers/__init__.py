"""Several processes that serve one log: the parent that keeps them, and what they tell each other."""
