import pytest

from tests.parts.need import missing


def test_a_missing_part_skips_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FLOWTUI_TEST_STRICT", raising=False)
    with pytest.raises(pytest.skip.Exception, match="real part missing: engine: no dockerd"):
        missing("engine", "no dockerd")


def test_where_nothing_may_be_skipped_it_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOWTUI_TEST_STRICT", "1")
    with pytest.raises(pytest.fail.Exception, match="no dockerd"):
        missing("engine", "no dockerd")
