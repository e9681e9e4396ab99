"""What goes to the terminal: small frames, at a pace it can follow; and its clipboard."""
