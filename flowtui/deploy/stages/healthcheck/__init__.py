"""Stage health check: does the flow work in the place where it will run?

The probe runs in the image that will be pushed, by its ID, in a container that can do nothing else;
or, for Local storage, in a fresh process of the interpreter outside the project folder. It tells
facts; what they mean is decided here, outside of it.

- `expectation`: what must be found
- `probe`: the stand-alone program that looks
- `container`, `process`: where it runs
- `looks_together`: one container for the flows of one image
- `answer`: what it found
- `checks`: what that means
"""
