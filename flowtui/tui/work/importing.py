"""Prefect's own profiles, taken over when a person chooses one; its token only after a yes."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping
from typing import TYPE_CHECKING

from flowtui.addresses import workspace_in
from flowtui.models import Origin, Profile
from flowtui.prefect_settings import PrefectSettings, shown
from flowtui.tui import messages as msg
from flowtui.tui.messages import Handler

if TYPE_CHECKING:
    from flowtui.tui.app import FlowtuiApp


class Importing:
    def __init__(self, app: FlowtuiApp) -> None:
        self._app = app
        self._taken: PrefectSettings | None = None

    @property
    def handlers(self) -> Mapping[type[msg.Happened], Handler]:
        return {
            msg.PrefectSettingsFound: self._offer,
            msg.PrefectTokenFound: self._offer_token,
        }

    def look(self) -> None:
        """Offer what Prefect is configured for and flowtui does not know yet."""
        app = self._app

        async def job() -> None:
            from flowtui import prefect_settings

            found = await asyncio.to_thread(prefect_settings.find)
            app.post_message(msg.PrefectSettingsFound(found))

        app.begin(job, group="profiles", description="reading Prefect's own profiles")

    def use(self, settings: PrefectSettings) -> None:
        """Its address only; its token is asked about when one is wanted."""
        app, self._taken = self._app, settings
        known = {profile.name for profile in app.session.profiles}
        names = (f"{settings.name}-{number}" for number in itertools.count(2))
        name = next(n for n in itertools.chain((settings.name,), names) if n not in known)
        profile = Profile(name, settings.api_url, Origin.USER_FILE, settings.ca_file)
        app.connecting.save_profile(profile, use=True)

    def token_wanted(self) -> bool:
        """Whether the control plane that wants a token is one that was just taken over."""
        taken, profile = self._taken, self._app.session.profile
        if taken is None or profile is None or profile.api_url != taken.api_url:
            return False
        self._taken = None
        if taken.token is None:
            self._app.logging_in.start()
        else:
            self._app.post_message(msg.PrefectTokenFound(taken))
        return True

    # ------------------------------------------------------------------------------------ asking

    def _offer(self, message: msg.PrefectSettingsFound) -> None:
        from flowtui.tui.screens.dialogs import Choice, ChoiceDialog

        app = self._app
        known = {profile.api_url for profile in app.session.profiles}
        new = [each for each in message.found.settings if each.api_url not in known]
        passed_over = "\n".join(f"“{p.name}”: {p.why}." for p in message.found.passed_over)
        if not new:
            there = "All that Prefect is configured for is here already."
            none = "Prefect is not configured for any control plane here."
            said = there if message.found.settings else none
            app.say("\n".join(text for text in (said, passed_over) if text))
            return

        def answered(chosen: str | None) -> None:
            if chosen is not None:
                self.use(new[int(chosen)])

        choices = tuple(
            Choice(str(place), each.name, words_of(each)) for place, each in enumerate(new)
        )
        text = "It becomes a profile of flowtui's; nothing of Prefect's is changed."
        app.push_screen(
            ChoiceDialog(
                "Which of Prefect's profiles?",
                f"{text}\n\n{passed_over}" if passed_over else text,
                choices,
            ),
            answered,
        )

    def _offer_token(self, message: msg.PrefectTokenFound) -> None:
        from flowtui.tui.screens.dialogs import ConfirmDialog

        app, settings = self._app, message.prefect
        place = settings.token
        if place is None:
            return

        def answered(yes: bool | None) -> None:
            if yes:
                app.logging_in.take_from(place)
            else:
                app.logging_in.start()

        app.push_screen(
            ConfirmDialog(
                "Use Prefect's own token?",
                f"{settings.api_url} wants a token, and Prefect keeps one in {place.words}. "
                "It is read only if you say so; then it is asked where flowtui keeps it.",
                yes="Use it",
                no="No, I type one",
            ),
            answered,
        )


def words_of(settings: PrefectSettings) -> str:
    """Where it leads, and where that is written."""
    in_cloud = workspace_in(settings.api_url)
    where = "A workspace of Prefect Cloud" if in_cloud else settings.api_url
    now = ", in use now" if settings.active else ""
    return f"{where} (from {shown(settings.origin)}{now})"
