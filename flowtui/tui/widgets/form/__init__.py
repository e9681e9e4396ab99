"""Fields of a form: a label, an input, and a line that says what comes of what stands in it."""
