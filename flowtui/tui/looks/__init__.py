"""How things look: words, marks, colours, themes, the drawing of a graph."""
