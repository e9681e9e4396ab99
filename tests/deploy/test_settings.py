import pytest

from flowtui.deploy.settings import Layer, flow_layer, resolve
from flowtui.errors import UsageError
from flowtui.models import (
    DeployTable,
    Interpreter,
    JsonObject,
    LoadedFlow,
    Origin,
    StorageKind,
    StorageOptions,
)


def _layer(origin: Origin, project: str | None = None, **values: object) -> Layer:
    return Layer(origin, DeployTable(project=project, storage=StorageOptions(**values)), "a.toml")  # type: ignore[arg-type]


def _loaded(storage: JsonObject | None) -> LoadedFlow:
    return LoadedFlow(
        name="f",
        interpreter=Interpreter("python", "3.11.7", "1.4.1", "3.1.2"),
        serialized={},
        storage=storage,
        environment=None,
        run_config=None,
        executor=None,
        modules=(),
        packages=(),
    )


def test_the_strongest_layer_wins_and_says_where_it_came_from() -> None:
    resolved = resolve(
        [
            _layer(Origin.COMMAND_LINE, base_image="a"),
            _layer(Origin.PROJECT_FILE, project="P", base_image="b", registry_url="r"),
        ]
    )
    origins = {setting.name: setting.origin for setting in resolved.settings}
    assert (resolved.project, resolved.options.base_image) == ("P", "a")
    assert origins == {
        "project": Origin.PROJECT_FILE,
        "base_image": Origin.COMMAND_LINE,
        "registry_url": Origin.PROJECT_FILE,
    }


def test_mappings_add_up_and_the_stronger_wins_per_key() -> None:
    resolved = resolve(
        [
            _layer(Origin.COMMAND_LINE, env_vars={"A": "1"}),
            _layer(Origin.PROJECT_FILE, env_vars={"A": "2", "B": "3"}),
        ]
    )
    assert resolved.options.env_vars == {"A": "1", "B": "3"}


def test_a_dockerfile_on_the_command_line_replaces_a_base_image_of_the_file() -> None:
    resolved = resolve(
        [
            _layer(Origin.COMMAND_LINE, dockerfile="Dockerfile"),
            _layer(Origin.PROJECT_FILE, base_image="b"),
        ]
    )
    assert (resolved.options.dockerfile, resolved.options.base_image) == ("Dockerfile", None)
    assert [setting.name for setting in resolved.settings] == ["dockerfile"]


def test_both_in_one_layer_is_an_error_that_says_which() -> None:
    with pytest.raises(UsageError, match="base_image and dockerfile are both set"):
        resolve([_layer(Origin.PROJECT_FILE, dockerfile="D", base_image="b")])


def test_an_empty_list_is_a_choice_and_not_unset() -> None:
    resolved = resolve(
        [
            _layer(Origin.PROJECT_FILE, python_dependencies=()),
            _layer(Origin.INFERRED, python_dependencies=("pandas==2",)),
        ]
    )
    assert resolved.options.python_dependencies == ()


def test_the_flows_own_docker_storage_is_read_with_prefects_words() -> None:
    layer = flow_layer(
        _loaded(
            {
                "type": "Docker",
                "registry_url": "r",
                "python_dependencies": ["pandas"],
                "env_vars": {},
                "local_image": False,
                "ignore_healthchecks": True,
                "build_kwargs": {"buildargs": {"A": "1"}},
                "base_image": None,
            }
        )
    )
    assert layer.table.storage == StorageOptions(
        type=StorageKind.DOCKER,
        registry_url="r",
        python_dependencies=("pandas",),
        ignore_healthchecks=True,
        build_args={"A": "1"},
    )


def test_local_storages_default_folder_is_not_the_authors_choice() -> None:
    layer = flow_layer(_loaded({"type": "Local", "directory": "/home/x/.prefect/flows"}))
    assert layer.table.storage == StorageOptions(type=StorageKind.LOCAL)
