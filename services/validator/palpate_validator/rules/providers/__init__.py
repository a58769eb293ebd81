"""Who may bill manual therapy, and who may give it."""
