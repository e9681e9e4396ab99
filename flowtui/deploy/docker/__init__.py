"""The Docker side of a deploy: engine, registry, and what an image is made of."""
