"""Two-word names for flow runs, as Prefect gives them."""

from __future__ import annotations

from random import Random

# fmt: off
_ADJECTIVES = (
    "able", "amber", "ancient", "bold", "brave", "bright", "brisk", "calm", "careful", "clever",
    "cool", "copper", "crimson", "curious", "daring", "deft", "eager", "early", "earnest",
    "fair", "fast", "fearless", "fine", "fleet", "gentle", "glad", "golden", "grand", "green",
    "happy", "hardy", "honest", "humble", "ivory", "jolly", "keen", "kind", "lively", "loyal",
    "lucky", "mellow", "merry", "mild", "modest", "neat", "nimble", "noble", "olive", "patient",
    "plucky", "polite", "proud", "purple", "quick", "quiet", "rapid", "ready", "robust", "rosy",
    "sage", "scarlet", "serene", "sharp", "silent", "silver", "sleek", "smart", "snowy",
    "solid", "spry", "stable", "steady", "sturdy", "sunny", "swift", "tidy", "tranquil", "true",
    "upbeat", "vivid", "warm", "wise", "witty", "young", "zesty",
)
_ANIMALS = (
    "albatross", "alpaca", "antelope", "badger", "bear", "beaver", "bison", "bobcat", "buffalo",
    "camel", "caribou", "cat", "cheetah", "chinchilla", "cobra", "condor", "cormorant", "crane",
    "cricket", "crow", "deer", "dingo", "dolphin", "donkey", "dove", "eagle", "egret", "elk",
    "falcon", "ferret", "finch", "fox", "gazelle", "gecko", "gibbon", "giraffe", "goose",
    "gull", "hare", "hawk", "hedgehog", "heron", "ibex", "jackal", "jaguar", "jay", "kestrel",
    "kiwi", "koala", "lark", "lemur", "leopard", "lion", "llama", "lynx", "magpie", "mallard",
    "manatee", "marmot", "marten", "mole", "moose", "narwhal", "newt", "ocelot", "octopus",
    "orca", "oryx", "osprey", "otter", "owl", "ox", "panda", "panther", "pelican", "penguin",
    "puffin", "puma", "quail", "rabbit", "raven", "robin", "salmon", "seal", "sparrow", "stork",
    "swan", "tapir", "tiger", "toucan", "turtle", "viper", "walrus", "weasel", "whale", "wolf",
    "wombat", "wren", "yak", "zebra",
)
# fmt: on


def two_words(random: Random) -> str:
    return f"{random.choice(_ADJECTIVES)}-{random.choice(_ANIMALS)}"
