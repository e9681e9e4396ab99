"""The table of keys in docs/configuration.md, written from the one that validates.

`python -m tests.parts.config_reference` writes it into the page; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from flowtui import config_keys
from flowtui.config_keys import Key

PAGE = Path(__file__).parents[2] / "docs" / "configuration.md"
_BEGIN = "<!-- keys: written by `python -m tests.parts.config_reference` -->\n"
_END = "<!-- end of keys -->\n"


def reference() -> str:
    """All keys as Markdown."""
    inner = {"storage", "execution", "run_config", "deployment", "flows", "deploy"}
    sections = [
        ("The project", [key for key in config_keys.ROOT if key.name not in inner]),
        ("`[storage]`", config_keys.STORAGE),
        ("`[execution]`", config_keys.EXECUTION),
        ("`[deployment]`", config_keys.DEPLOYMENT),
        ("`[deploy]`", config_keys.DEPLOY),
    ]
    sections += [
        (f'`[run_config]` with `type = "{kind}"`', keys)
        for kind, keys in config_keys.RUN_CONFIG_KEYS.items()
    ]
    sections += [
        ('`[flows."name"]`', config_keys.FLOW),
        ("The user's file", config_keys.USER),
        ("`[ui]` in the user's file", config_keys.UI),
        ('`[profiles."name"]` in the user\'s file', config_keys.PROFILE),
    ]
    return "\n".join(f"### {title}\n\n{_table(keys)}" for title, keys in sections)


def _table(keys: Iterable[Key]) -> str:
    rows = ["| key | type | what it says | without it |", "|---|---|---|---|"]
    rows += [f"| `{key.name}` | {key.kind.words} | {key.help} | {key.default} |" for key in keys]
    return "\n".join(rows) + "\n"


def page_with(keys: str, page: str) -> str:
    before, _, rest = page.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return f"{before}{_BEGIN}\n{keys}\n{_END}{after}"


if __name__ == "__main__":
    PAGE.write_text(page_with(reference(), PAGE.read_text()))
