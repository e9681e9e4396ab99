import pytest

from flowtui import executors
from flowtui.errors import UsageError


@pytest.mark.parametrize(
    ("name", "good"),
    [
        ("dask", True),
        ("local-dask", True),
        ("DaskExecutor", True),
        ("prefect.engine.executors.LocalExecutor", True),
        ("local-dusk", False),
        ("dusk", False),
        ("my module.Executor", False),
        ("module.", False),
        ("", False),
    ],
)
def test_what_can_name_an_executor(name: str, good: bool) -> None:
    assert executors.is_name(name) is good


def test_prefects_own_classes_are_known_in_every_prefect() -> None:
    for name in ("dask", "DaskExecutor", "prefect.executors.DaskExecutor"):
        assert executors.is_of(name, "dask")
    assert executors.is_of("prefect.engine.executors.DaskExecutor", "dask")
    assert not executors.is_of("mine.DaskExecutor", "dask")
    assert not executors.is_of("local-dask", "dask")
    assert not executors.is_of(None, "local")


def test_arguments_are_json_or_else_text() -> None:
    words = (
        "address=tcp://127.0.0.1:8786",
        "n_workers=4",
        "debug=true",
        'adapt_kwargs={"maximum": 3}',
        "name=a=b",
        "nothing=null",
        "rate=NaN",
    )
    assert executors.arguments(words, option="--executor-arg") == {
        "address": "tcp://127.0.0.1:8786",
        "n_workers": 4,
        "debug": True,
        "adapt_kwargs": {"maximum": 3},
        "name": "a=b",
        "nothing": None,
        "rate": "NaN",
    }
    assert executors.arguments((), option="--executor-arg") is None


@pytest.mark.parametrize("word", ["address", "=x", "two words=1"])
def test_an_argument_without_a_name_is_refused(word: str) -> None:
    with pytest.raises(UsageError, match="KEY=VALUE"):
        executors.arguments([word], option="--executor-arg")
