"""Screenshots of the real app on real state: `make screenshots`, or `python -m screenshots.make`.

The sample flows of `flowtui demo` are copied to a folder, the embedded server is started as the app
starts it, and the app is driven by keys alone. With a Docker engine and a registry (those of the
tests) flows go to Docker storage, else to Local storage; a flow run is made by Prefect's own agent.
Each screen becomes an SVG and a PNG, dark and light, in the size its name says; the hot redeploy
becomes an animated GIF of real frames.

The flows' virtual environment is FLOWTUI_SCREENSHOT_VENV, else the one that the tests keep for
Prefect 1.4.1.
"""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from pathlib import Path

from screenshots import deployments, scenes
from screenshots.animation import to_gif
from screenshots.stage import docker_here, project_folder

HERE = Path(__file__).parent
_GIF_WIDTH = 1000


def refuse_paths_of_this_machine(files: list[Path]) -> None:
    """What is committed shows neither this home nor this checkout."""
    for file in files:
        if file.suffix != ".svg":
            continue
        text = file.read_text(encoding="utf-8").replace("&#160;", " ")
        for private in (str(Path.home()), str(HERE.parent)):
            if private in text:
                raise SystemExit(f"{file.name} shows {private}")


def main() -> None:
    taken: list[Path] = []
    with ExitStack() as stack:
        docker = docker_here(stack)
        with project_folder(docker) as project:
            taken += asyncio.run(scenes.small(project, docker))
        with project_folder(None) as project:
            taken += asyncio.run(scenes.large(project))
        with project_folder(None) as project:
            recording, pictures = asyncio.run(scenes.hot(project))
            taken += pictures
    for size in (scenes.SMALL, scenes.LARGE):
        with deployments.shop() as (project, api_url):
            taken += asyncio.run(deployments.pictures(project, api_url, size))
    gif = HERE / "hot-redeploy.gif"
    to_gif(recording.frames, gif, width=_GIF_WIDTH)
    refuse_paths_of_this_machine(taken)
    kinds = ("*.svg", "*.png", "*.gif")
    for file in {each for kind in kinds for each in HERE.glob(kind)} - {*taken, gif}:
        print(f"{file.name} is no longer made: removed")
        file.unlink()


if __name__ == "__main__":
    main()
