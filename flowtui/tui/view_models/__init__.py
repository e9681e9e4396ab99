"""What the screens show, worked out without widgets: nothing in here knows Textual."""
