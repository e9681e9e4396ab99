import pytest

from flowtui.text import MASK, Redactor, clean


@pytest.mark.parametrize(
    "hostile",
    [
        "\x1b]52;c;aGFjaw==\x07",
        "\x1b]52;c;aGFjaw==\x1b\\",
        "\x1b]0;title\x07",
        "\x1b[2J",
        "\x1b[?1049l",
        "\x1b[6n",
        "\x1bPq#0\x1b\\",
        "\x9b2J",
        "\u202e",
        "\x00\x7f\x08",
    ],
)
@pytest.mark.parametrize("keep_colour", [False, True])
def test_control_sequences_never_pass(hostile: str, keep_colour: bool) -> None:
    assert clean(f"a{hostile}b", keep_colour=keep_colour) == "ab"


def test_colour_is_kept_only_on_request() -> None:
    line = "\x1b[31mred\x1b[0m \x1b[2Jplain"
    assert clean(line) == "red plain"
    assert clean(line, keep_colour=True) == "\x1b[31mred\x1b[0m plain"


def test_an_unterminated_sequence_eats_only_its_line() -> None:
    assert clean("ok \x1b]0;never ends") == "ok "


def test_redactor_masks_every_known_secret_and_no_ordinary_word() -> None:
    redact = Redactor()
    redact.add("tok-123456")
    redact.add("abc")
    assert redact("Bearer tok-123456, abc") == f"Bearer {MASK}, abc"
