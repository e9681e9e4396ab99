"""One run on the screen: what it is, its task runs, its log, its graph."""
