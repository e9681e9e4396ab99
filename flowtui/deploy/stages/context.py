"""What a running stage knows about the deploy it is part of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flowtui.deploy.events import Event, Level, Progress, Stage, log_line


@dataclass(frozen=True, slots=True)
class StageContext:
    """One stage of one deploy, and where its events go. Emitting never blocks and never raises."""

    deploy: str
    """Id of the deploy."""
    stage: Stage
    emit: Callable[[Event], None]

    def log(self, text: str, level: Level = Level.INFO) -> None:
        """Outside text as log lines, one for each line in it: cleaned, secrets masked."""
        for line in text.split("\n"):
            self.emit(log_line(self.deploy, self.stage, line, level))

    def progress(
        self, item: str, current: int, total: int | None, unit: str, status: str = ""
    ) -> None:
        self.emit(
            Progress(
                deploy=self.deploy,
                stage=self.stage,
                item=item,
                current=current,
                total=total,
                unit=unit,
                status=status,
            )
        )
