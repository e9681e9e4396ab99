"""The log pane: a view on the ring of lines, the line below it to type in, and its title."""
